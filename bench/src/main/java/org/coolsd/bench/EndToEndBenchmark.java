package org.coolsd.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
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
@Fork(value = 1, jvmArgsAppend = TimedBenchmark.NO_COUNT)
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

    private Images<?> images;

    /** The model, a decoder and its next image. */
    private static final class Images<C> implements AutoCloseable {
        private final Shipped<C> model;
        private final Decoder<C> decoder;
        private long seed;

        Images(Shipped<C> model, DecoderOptions options) {
            this.model = model;
            decoder = model.decoder(1, options);
        }

        int[] next() {
            return decoder.decode(model.requests(seed++, 1)).get(0).tokens();
        }

        @Override
        public void close() {
            decoder.close();
            model.close();
        }
    }

    /** Loads the model. */
    @Setup
    public void setup() throws IOException {
        LibTorch.load(1);
        images = new Images<>(Shipped.load(Precision.fastest(), Placement.cpu()), way.options);
    }

    /** Frees the model and its decoder. */
    @TearDown
    public void tearDown() {
        images.close();
    }

    /** One image, each time another. */
    @Benchmark
    public int[] image() {
        return images.next();
    }
}
