package org.coolsd.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;
import org.coolsd.passes.DecoderNames;
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
 * A pass of the shipped target over five positions of a guided image behind a hundred, as the raw call with its tensors made
 * once, as the adapter makes it, and as the adapter makes it around a call that does nothing.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(value = 2, jvmArgsAppend = "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0")
public class PassBenchmark {
    private static final Path FOLDER = Path.of(System.getProperty("coolsd.models", "../../../models"), "fashion");
    private static final int PAST = 100;
    private static final int NEW = 5;
    private static final int KEPT = 3;

    private TinyEngine engine;
    private OnnxPasses passes;
    private OnnxPasses.Call call;
    private Map<String, OnnxTensor> inputs;
    private Map<String, OnnxTensor> outputs;

    @Setup(Level.Trial)
    public void open() throws IOException, OrtException {
        engine = new TinyEngine(
                LlamaGenShape.fashion(),
                ModelWeights.read(FOLDER.resolve("target.safetensors")),
                ModelWeights.read(FOLDER.resolve("drafter.safetensors")));
        DecoderNames names = DecoderNames.optimum();
        passes = new OnnxPasses(engine.environment, engine.target, names, OnnxLayout.of(engine.target, names), 2);
        call = passes.replace((in, out) -> {
            inputs = in;
            outputs = out;
        });
        passes.begin(PAST);
        passes.run(2);
        call.run(inputs, outputs);
        passes.keep(0, PAST);
        passes.keep(1, PAST);
        pass();
    }

    @TearDown(Level.Trial)
    public void close() throws OrtException {
        passes.close();
        engine.close();
    }

    @Benchmark
    public void rawCall() throws OrtException {
        call.run(inputs, outputs);
    }

    @Benchmark
    public void adapter() {
        passes.replace(call);
        pass();
    }

    @Benchmark
    public void adapterAlone() {
        passes.replace((in, out) -> {});
        pass();
    }

    private void pass() {
        passes.begin(NEW);
        for (int row = 0; row < 2; row++) {
            for (int i = 0; i < NEW; i++) {
                passes.id(row, i, i);
            }
        }
        passes.run(2);
        for (int row = 0; row < 2; row++) {
            passes.keep(row, KEPT);
            passes.rollBack(row, PAST);
        }
    }
}
