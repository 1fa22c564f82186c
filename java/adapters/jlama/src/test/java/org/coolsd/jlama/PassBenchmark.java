package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import org.coolsd.Sampling;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What coolsd adds to Jlama, with the example's model. A pass over five tokens behind fifty, logits included: as Jlama's calls
 * with arrays made once, and as a sequence makes it that keeps none of the five. A token from the last layer's row: with
 * Jlama's sampler at temperature 1, and with {@link JlamaSampler}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(2)
public class PassBenchmark {
    private static final int PAST = 50;
    private static final int NEW = 5;

    private final int[] five = {3, 1, 4, 1, 5};
    private AbstractModel model;
    private KvBufferCache.KvBuffer cache;
    private AbstractTensor<?, ?> logits;
    private JlamaSequence sequence;
    private LogitsRows rows;
    private JlamaSampler sampler;
    private AbstractTensor<?, ?> row;
    private int position;

    @Setup(Level.Trial)
    public void open() throws Exception {
        model = new TinyLlama(26, 4, 1, 1).load(Files.createTempDirectory("coolsd-jlama"));
        cache = new KvBufferCache(model).getEphemeralKvBuffer();
        logits = model.makeDenseTensor(1, model.getConfig().vocabularySize);
        sequence = new JlamaSequence(model, new KvBufferCache(model), PAST + NEW);
        rows = new LogitsRows(model, 1, NEW);
        sampler = new JlamaSampler(model, Sampling.of());
        model.batchForward(new int[PAST], 0, cache).close();
        for (int i = 0; i < PAST; i++) {
            sequence.add(0);
        }
        row = sequence.pass(1);
    }

    @TearDown(Level.Trial)
    public void close() {
        row.close();
        sampler.close();
        sequence.close();
        logits.close();
        cache.close();
        model.close();
    }

    @Benchmark
    public void rawCall() {
        try (AbstractTensor<?, ?> output = model.batchForward(five, PAST, cache)) {
            for (int i = 0; i < NEW; i++) {
                model.sample(output.slice(i), 0, 0, logits);
            }
        }
    }

    @Benchmark
    public void adapter() {
        sequence.cut(PAST);
        for (int token : five) {
            sequence.add(token);
        }
        try (AbstractTensor<?, ?> output = sequence.pass(NEW)) {
            for (int i = 0; i < NEW; i++) {
                rows.fill(0, i, output.slice(i));
            }
        }
    }

    @Benchmark
    public int jlamaSampler() {
        return model.sample(row.slice(PAST - 1), 1, 0.5f, logits);
    }

    @Benchmark
    public int coolsdSampler() {
        return sampler.sample(row.slice(PAST - 1), 7, position++ & 0xffff);
    }
}
