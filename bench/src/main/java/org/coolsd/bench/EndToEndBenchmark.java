package org.coolsd.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.images.ImageDecoder;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The tokens of one image of the shipped model, whose folder is models/fashion under coolsd.home. For figures of one way
 * alone, with JMH's profilers; {@link EndToEnd} compares ways in one process, turn by turn.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 10, time = 2)
@Fork(1)
public class EndToEndBenchmark {
    /** How tokens are decided. */
    public enum Way {
        /** Plain sampling. */
        TARGET(Schedule.lossless(), 0),
        /** Lossless speculative decoding. */
        LOSSLESS(Schedule.lossless(), 5),
        /** The paper's schedule at delta = 1.1. */
        COOLSD(Schedule.exponential(1.1), 5),
        /** The same with no factor below 1. */
        CLAMPED(Schedule.exponential(1.1).clamped(), 5);

        private final DecoderOptions options;

        Way(Schedule schedule, int length) {
            options = DecoderOptions.of(length).schedule(schedule).acceptance(Acceptance.block());
        }
    }

    @Param
    private Way way;

    private ImageModel model;
    private ImageDecoder decoder;
    private int classes;
    private long seed;

    /** Loads the model. */
    @Setup
    public void setup() throws IOException {
        LibTorch.load(1);
        model = ImageModel.load(ModelFolder.open(ModelFolder.SHIPPED), Precision.fastest(), Placement.cpu());
        classes = model.folder().config().classes().size();
        Sampling sampling = Sampling.of().guidance(model.folder().config().guidance());
        decoder = model.decoder(sampling, way.options);
    }

    /** Frees the decoder. */
    @TearDown
    public void tearDown() {
        decoder.close();
        model.close();
    }

    /** One image, each time another. */
    @Benchmark
    public int[] image() {
        return decoder.tokens(new ImageRequest((int) (seed % classes), seed++));
    }
}
