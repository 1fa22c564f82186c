package org.coolsd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;

/**
 * A random step of a batch, as arrays for the reference and as native memory for the library: any element type,
 * unaligned rows, strides, masked tokens, outliers, ties, guidance, windows, cut-offs, ragged drafts.
 */
final class RandomCase {
    private static final int PAGE = 4096;
    private static final ByteBuffer MEMORY =
            ByteBuffer.allocateDirect((1 << 26) + PAGE).alignedSlice(PAGE).order(ByteOrder.nativeOrder());

    static {
        NativeLibrary.require();
    }

    /** For a device, which reads this memory where it is. */
    static void register(Verifier verifier) {
        NativeLibrary.check(Native.coolsd_host_register(verifier.handle(), new Pointer(MEMORY), 1L << 26));
    }

    final int vocab;
    final int length;
    final int batch;
    final Sampling target;
    final Sampling draft;
    final float[] omega;
    final long[] seeds;
    final long[] positions;
    final int[][] draftTokens;
    final double[][][] p;
    final double[][][] q;
    final Logits targetLogits;
    final Logits draftLogits;
    double margin = 1;
    private final Random random;
    private final Logits.Type type;
    private int used;

    RandomCase(Random random, int largest, int longest, int batch) {
        this.random = random;
        this.batch = batch;
        used = 0;
        vocab = (int) Math.round(Math.exp(Math.log(2) + random.nextDouble() * Math.log(largest / 2.0)));
        length = random.nextInt(longest + 1);
        type = Logits.Type.values()[random.nextInt(3)];
        boolean guided = random.nextInt(3) == 0;
        target = sampling();
        draft = random.nextBoolean() ? target : sampling();
        omega = new float[length];
        for (int i = 0; i < length; i++) {
            omega[i] = random.nextInt(8) == 0 ? random.nextInt(3) : 3 * random.nextFloat();
        }
        seeds = random.longs(batch).toArray();
        positions = new long[batch];
        draftTokens = new int[batch][];
        p = new double[batch][][];
        q = new double[batch][][];
        float[][][] shared = rows(length, null);
        float[][][] t = rows(length + 1, random.nextInt(3) == 0 ? shared : null);
        float[][][] tu = guided ? rows(length + 1, t) : null;
        float[][][] du = guided && random.nextBoolean() ? rows(length, shared) : null;
        targetLogits = logits(t, tu);
        draftLogits = length == 0 ? null : logits(shared, du);
        for (int b = 0; b < batch; b++) {
            positions[b] = random.nextLong() >>> random.nextInt(64);
            int n = random.nextInt(4) == 0 ? random.nextInt(length + 1) : length;
            p[b] = laws(t[b], tu == null ? null : tu[b], target, n + 1);
            q[b] = laws(shared[b], du == null ? null : du[b], draft, n);
            draftTokens[b] = new int[n];
            for (int i = 0; i < n; i++) {
                draftTokens[b][i] = random.nextInt(4) == 0 ? random.nextInt(vocab) : draw(q[b][i]);
            }
        }
    }

    private int draw(double[] law) {
        double u = random.nextDouble();
        double reached = 0;
        int last = 0;
        for (int v = 0; v < law.length; v++) {
            reached += law[v];
            last = law[v] > 0 ? v : last;
            if (reached > u) {
                return v;
            }
        }
        return last;
    }

    private double[][] laws(float[][] c, float[][] u, Sampling sampling, int n) {
        double[][] laws = new double[n][];
        for (int i = 0; i < n; i++) {
            ReferenceLaw law = ReferenceLaw.of(c[i], u == null ? null : u[i], sampling);
            margin = Math.min(margin, law.margin());
            laws[i] = law.p();
        }
        return laws;
    }

    private Sampling sampling() {
        Sampling s = Sampling.of().guidance(1 + 4 * random.nextFloat());
        s = s.temperature(random.nextInt(12) == 0 ? 0 : (float) Math.exp(random.nextGaussian() / 2));
        if (random.nextInt(3) == 0) {
            s = s.topK(1 + random.nextInt(vocab + 1));
        }
        if (random.nextInt(3) == 0) {
            s = s.topP(1 - 0.9f * random.nextFloat());
        }
        if (random.nextInt(4) == 0) {
            int lo = random.nextInt(vocab);
            s = s.window(lo, lo + 1 + random.nextInt(vocab - lo));
        }
        return s;
    }

    /** [batch][n][vocab], near {@code like} where that is given. Values are exact in every element type. */
    private float[][][] rows(int n, float[][][] like) {
        float[][][] rows = new float[batch][n][vocab];
        double scale = Math.exp(random.nextGaussian());
        int masked = random.nextInt(3) == 0 ? 4 : Integer.MAX_VALUE;
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < n; i++) {
                float[] row = rows[b][i];
                for (int v = 0; v < vocab; v++) {
                    double x = like != null && i < like[b].length
                            ? like[b][i][v] + 0.1 * random.nextGaussian()
                            : scale * random.nextGaussian();
                    if (random.nextInt(200) == 0) {
                        x += 10 * random.nextGaussian();
                    }
                    row[v] = random.nextInt(masked) == 0 ? Float.NEGATIVE_INFINITY : HalfTypes.representable(x, type);
                }
                if (random.nextInt(4) == 0) {
                    int from = random.nextInt(vocab);
                    for (int v = from; v < vocab; v += 1 + random.nextInt(3)) {
                        row[v] = row[from];
                    }
                }
                // Every window holds a token that can be drawn in either half.
                for (int v : new int[] {target.windowFrom(), draft.windowFrom()}) {
                    row[v] = row[v] == Float.NEGATIVE_INFINITY ? 0 : row[v];
                }
            }
        }
        return rows;
    }

    private Logits logits(float[][][] c, float[][][] u) {
        Logits view = place(c);
        return u == null ? view : view.guidedBy(place(u));
    }

    private Logits place(float[][][] rows) {
        int size = type == Logits.Type.F32 ? 4 : 2;
        int n = rows[0].length;
        int rowStride = vocab + random.nextInt(4);
        int batchStride = n * rowStride + random.nextInt(4);
        int start = used + size * random.nextInt(16);
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < n; i++) {
                int at = start + size * (b * batchStride + i * rowStride);
                for (int v = 0; v < vocab; v++) {
                    HalfTypes.put(MEMORY, at + size * v, rows[b][i][v], type);
                }
            }
        }
        used = (start + size * batch * batchStride + 63) / 64 * 64;
        long address = new Pointer(MEMORY).address() + start;
        return Logits.at(address, type, batch, n, vocab, batchStride, rowStride);
    }

    /** What the reference decides for sequence {@code b}. */
    ReferenceVerifier.Outcome expected(int b, ReferenceVerifier.Rule rule) {
        int n = draftTokens[b].length;
        double[] u = new double[n];
        double[] resample = new double[n];
        for (int i = 0; i < n; i++) {
            u[i] = Philox.uniform(seeds[b], positions[b] + i, Philox.ACCEPT);
            resample[i] = Philox.uniform(seeds[b], positions[b] + i, Philox.RESAMPLE);
        }
        double bonus = Philox.uniform(seeds[b], positions[b] + n, Philox.BONUS);
        return ReferenceVerifier.verify(p[b], q[b], draftTokens[b], rule, u, resample, bonus);
    }

    /** Runs the step on the library. */
    Step run(Verifier verifier) {
        Step step = verifier.step(batch);
        for (int b = 0; b < batch; b++) {
            step.begin(b, seeds[b], positions[b]);
            step.draft(b, draftTokens[b], draftTokens[b].length);
        }
        step.verify(targetLogits, draftLogits);
        return step;
    }

    VerifierSpec spec() {
        return VerifierSpec.of(vocab, Schedule.explicit(doubles()).draftLength(length), target)
                .draft(draft);
    }

    private double[] doubles() {
        double[] wide = new double[length];
        for (int i = 0; i < length; i++) {
            wide[i] = omega[i];
        }
        return wide;
    }

    @Override
    public String toString() {
        return "V = " + vocab + ", L = " + length + ", batch " + batch + ", " + type + ", target " + target + ", draft "
                + draft;
    }
}
