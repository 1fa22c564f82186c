package org.coolsd.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.training.ParameterStore;
import java.nio.Buffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.coolsd.onnxmodels.LlamaGenOnnx;
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
 * A pass of the shipped target over five positions of a guided image behind some fifty: as the raw call with its inputs made
 * once; as the adapter makes it, in sequences of twenty steps that keep three; and what the adapter does beside DJL's calls.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0")
public class PassBenchmark {
    private static final LlamaGenShape SHAPE = LlamaGenShape.fashion();
    private static final Path FOLDER = Path.of(System.getProperty("coolsd.models", "../../../models"), "fashion");
    private static final int PAST = 50;
    private static final int NEW = 5;
    private static final int KEPT = 3;
    private static final int STEPS = 20;

    private ZooModel<NDList, NDList> model;
    private DjlPasses passes;
    private DjlPasses alone;
    private NDList inputs;
    private ParameterStore store;
    private int steps;

    @Setup(Level.Trial)
    public void open() throws Exception {
        model = Models.load(LlamaGenOnnx.target(SHAPE, ModelWeights.read(FOLDER.resolve("target.safetensors"))));
        DjlTarget<Integer> target = Example.target(model);
        passes = new DjlPasses(model, target.shape(), target.names(), false, true, 2);
        alone = new DjlPasses(model, target.shape(), target.names(), false, true, 2) {
            @Override
            public void run(int batch) {
                advance();
            }

            @Override
            void makeAnew(int longest) {
                moveSeen(Math.max(1, longest));
            }
        };
        store = new ParameterStore(model.getNDManager(), false);
        inputs = new NDList();
        add("input_ids", LongBuffer.allocate(2 * NEW), DataType.INT64, new Shape(2, NEW));
        add("position_ids", LongBuffer.allocate(2 * NEW), DataType.INT64, new Shape(2, NEW));
        add("attention_mask", LongBuffer.allocate(2 * (PAST + NEW)), DataType.INT64, new Shape(2, PAST + NEW));
        DecoderShape shape = Models.shape(SHAPE);
        for (int i = 0; i < 2 * shape.layers(); i++) {
            Shape past = new Shape(2, shape.heads(), PAST, shape.channels());
            add(DecoderNames.optimum().past(i), FloatBuffer.allocate((int) past.size()), DataType.FLOAT32, past);
        }
    }

    private void add(String name, Buffer values, DataType type, Shape shape) {
        NDArray array = model.getNDManager().create(values, shape, type);
        array.setName(name);
        inputs.add(array);
    }

    @TearDown(Level.Trial)
    public void close() {
        passes.close();
        alone.close();
        model.close();
    }

    @Benchmark
    public void rawCall() {
        model.getBlock().forward(store, inputs, false).close();
    }

    @Benchmark
    public void adapter() {
        pass(passes);
    }

    @Benchmark
    public void adapterBesideDjl() {
        pass(alone);
    }

    private void pass(DjlPasses through) {
        through.begin(NEW);
        for (int row = 0; row < 2; row++) {
            for (int i = 0; i < NEW; i++) {
                through.id(row, i, i);
            }
        }
        through.run(2);
        steps = (steps + 1) % STEPS;
        for (int row = 0; row < 2; row++) {
            through.keep(row, KEPT);
            if (steps == 0) {
                through.forget(row, false);
            }
        }
    }
}
