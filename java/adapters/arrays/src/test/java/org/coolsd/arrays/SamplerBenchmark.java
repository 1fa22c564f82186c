package org.coolsd.arrays;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Purpose;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
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

/** What {@link ArraySampler} adds to the raw call over logits that are in native memory already: the copy of a row. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SamplerBenchmark {
    /** Vocabulary size. */
    @Param({"256", "4096", "32768"})
    public int vocab;

    private float[] row;
    private ArraySampler sampler;
    private Verifier verifier;
    private LogitsBuffer buffer;
    private Logits logits;
    private long position;

    /** Opens both. */
    @Setup
    public void open() {
        row = new float[vocab];
        SplittableRandom random = new SplittableRandom(1);
        for (int v = 0; v < vocab; v++) {
            row[v] = (float) (4 * random.nextDouble());
        }
        sampler = new ArraySampler(vocab, Sampling.of());
        VerifierSpec spec = VerifierSpec.of(vocab, Schedule.lossless().draftLength(0), Sampling.of());
        verifier = Verifier.open(Backend.cpu(), spec);
        buffer = LogitsBuffer.of(Logits.Type.F32, 1, vocab);
        buffer.put(0, row);
        logits = buffer.logits(1);
    }

    /** The raw call. */
    @Benchmark
    public int raw() {
        return verifier.sample(logits, Purpose.BONUS, 7, position++);
    }

    /** The adapter's, from an array. */
    @Benchmark
    public int arraySampler() {
        return sampler.sample(row, 7, position++);
    }

    /** Closes both. */
    @TearDown
    public void close() {
        verifier.close();
        sampler.close();
        buffer.close();
    }
}
