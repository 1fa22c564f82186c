package org.coolsd.bench;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Step;
import org.coolsd.Verdict;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.coolsd.engine.LibTorch;
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
 * One verification of a draft of 5 tokens at batch 1 in f32, COOL-SD delta = 1.1, by the library and by its peers in the same
 * run. Logits are normal with deviation 2, the draft's near the target's; the seed changes from call to call, so that
 * drafts are rejected at every position in turn.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 7, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
public class VerifyBenchmark {
    private static final int LENGTH = 5;

    @Param({"16384", "65536"})
    private int vocab;

    private Tensor target;
    private Tensor draft;
    private Verifier verifier;
    private Step step;
    private Logits targetRows;
    private Logits draftRows;
    private Logits[] draftRow;
    private int[] drafted;
    private float[] omega;
    private float[] targetValues;
    private float[] draftValues;
    private Random random;
    private long seed;

    @Setup
    public void setup() throws Exception {
        LibTorch.load(1);
        torch.manual_seed(1);
        target = torch.randn(LENGTH + 1, vocab).mul(new Scalar(2.0));
        draft = target.narrow(0, 0, LENGTH).add(torch.randn(LENGTH, vocab)).contiguous();
        Schedule.Drafts schedule = Schedule.exponential(1.1).draftLength(LENGTH);
        omega = schedule.omega();
        verifier = Verifier.open(Backend.cpu(), VerifierSpec.of(vocab, schedule, Sampling.of()));
        step = verifier.step(1);
        targetRows = Logits.at(target.data_ptr().address(), Logits.Type.F32, LENGTH + 1, vocab, vocab);
        draftRows = Logits.at(draft.data_ptr().address(), Logits.Type.F32, LENGTH, vocab, vocab);
        draftRow = new Logits[LENGTH];
        step.begin(0, 7, 0);
        drafted = new int[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            draftRow[i] = draftRows.row(i);
            step.sampleDraft(draftRow[i]);
            drafted[i] = step.draftToken(0, i);
        }
        targetValues = values(target);
        draftValues = values(draft);
        random = new Random(1);
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[(int) tensor.numel()];
        new FloatPointer(tensor.data_ptr_float()).get(values);
        return values;
    }

    @TearDown
    public void tearDown() {
        verifier.close();
    }

    /** The library with the normalisers that sampling found. */
    @Benchmark
    public int library() {
        step.reseed(0, seed++);
        step.verify(targetRows, draftRows);
        return step.verdict(0).accepted();
    }

    /** The library when the draft was sampled elsewhere. */
    @Benchmark
    public int libraryWithoutNormalisers() {
        Verdict verdict = verifier.verify(targetRows, draftRows, drafted, seed++, 0);
        return verdict.accepted();
    }

    /** LibTorch operators as a Java user would compose them: all rows at once, few and large operators. */
    @Benchmark
    public long libtorch() {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor p = target.softmax(-1);
            Tensor q = draft.softmax(-1);
            Tensor tokens =
                    Tensor.create(drafted, LENGTH).to(torch.ScalarType.Long).unsqueeze(1);
            Tensor ratio = p.narrow(0, 0, LENGTH)
                    .gather(1, tokens)
                    .div(q.gather(1, tokens))
                    .squeeze(1);
            float[] f = new float[LENGTH];
            new FloatPointer(ratio.contiguous().data_ptr_float()).get(f);
            int n = 0;
            while (n < LENGTH && random.nextFloat() < omega[n] * f[n]) {
                n++;
            }
            Tensor law = p.select(0, n);
            if (n < LENGTH) {
                Tensor best = law.sub(q.select(0, n));
                law = omega[n] < 1
                        ? torch.maximum(best, law.mul(new Scalar(1 - omega[n]))).relu()
                        : best.relu();
            }
            return torch.multinomial(law, 1).item_long();
        }
    }

    /** A scalar Java loop, lazy as the library is. */
    @Benchmark
    public int javaLoop() {
        for (int n = 0; n <= LENGTH; n++) {
            float largest = largest(targetValues, n);
            double mass = mass(targetValues, n, largest);
            if (n == LENGTH) {
                return draw(n, largest, mass, 0, 1, 1, random.nextDouble());
            }
            float most = largest(draftValues, n);
            double draftMass = mass(draftValues, n, most);
            double p = Math.exp(targetValues[n * vocab + drafted[n]] - largest) / mass;
            double q = Math.exp(draftValues[n * vocab + drafted[n]] - most) / draftMass;
            if (!(random.nextDouble() * q < omega[n] * p)) {
                return draw(n, largest, mass, most, draftMass, omega[n], random.nextDouble());
            }
        }
        return -1;
    }

    private float largest(float[] rows, int n) {
        float largest = Float.NEGATIVE_INFINITY;
        for (int v = n * vocab; v < (n + 1) * vocab; v++) {
            largest = Math.max(largest, rows[v]);
        }
        return largest;
    }

    private double mass(float[] rows, int n, float largest) {
        double mass = 0;
        for (int v = n * vocab; v < (n + 1) * vocab; v++) {
            mass += Math.exp(rows[v] - largest);
        }
        return mass;
    }

    private int draw(int n, float largest, double mass, float most, double draftMass, float factor, double u) {
        double[] law = new double[vocab];
        double sum = 0;
        for (int v = 0; v < vocab; v++) {
            double p = Math.exp(targetValues[n * vocab + v] - largest) / mass;
            double q = n == LENGTH ? 0 : Math.exp(draftValues[n * vocab + v] - most) / draftMass;
            law[v] = Math.max(Math.max(p - q, (1 - factor) * p), 0);
            sum += law[v];
        }
        double reached = 0;
        for (int v = 0; v < vocab; v++) {
            reached += law[v];
            if (reached > u * sum) {
                return v;
            }
        }
        return vocab - 1;
    }

    /** Reading the target rows once, by LibTorch's largest value. */
    @Benchmark
    public float readingAllTargetRows() {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            return target.amax().item_float();
        }
    }
}
