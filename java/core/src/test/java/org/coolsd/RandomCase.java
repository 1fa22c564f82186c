package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.ReferenceVerifier.Outcome;
import org.coolsd.ReferenceVerifier.Rule;
import org.coolsd.VerifierSpec.Report;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;

/**
 * A random step of a batch, as arrays for the reference and as native memory for the library: any rule and source of factors,
 * any element type, unaligned rows, strides, sequences in one block or anywhere, masked tokens, outliers, ties, guidance,
 * windows, cut-offs, ragged drafts, settings of the verifier or of each sequence.
 */
final class RandomCase {
    private static final int PAGE = 4096;
    private static final int SIZE = 1 << 26;
    private static final ByteBuffer MEMORY =
            ByteBuffer.allocateDirect(SIZE + PAGE).alignedSlice(PAGE).order(ByteOrder.nativeOrder());

    static {
        NativeLibrary.require();
    }

    /** For a device, which reads this memory where it is. */
    static void register(Verifier verifier) {
        NativeLibrary.check(Native.coolsd_host_register(verifier.handle(), new Pointer(MEMORY), SIZE));
    }

    /** One sequence. */
    static final class Sequence {
        Sampling target;
        Sampling draft;
        float[] omega;
        float[] budget;
        long seed;
        long position;
        int[] tokens;
        /** The laws P [n+1][V] and Q [n][V]. */
        double[][] p;

        double[][] q;
        /** How far the closest cut-off is from keeping another token, in probability. */
        double margin = 1;

        Logits targetLogits;
        Logits draftLogits;
        /** What is wrong with the rows [n+1] and [n], each read alone. */
        Status[] targetStatus;

        Status[] draftStatus;
        /** Planted ones. */
        int faults;

        int length() {
            return tokens.length;
        }

        int window() {
            return target.windowTo() == 0 ? p[0].length : target.windowTo() - target.windowFrom();
        }

        boolean settingsFit(int vocab) {
            return target.windowTo() <= vocab && draft.windowTo() <= vocab;
        }
    }

    final int vocab;
    final int length;
    final int batch;
    final Acceptance acceptance;
    final Schedule schedule;
    final Sequence[] sequences;
    /** One block of all sequences, or null where they lie anywhere. */
    final Logits targetLogits;

    final Logits draftLogits;
    private final Random random;
    private final Logits.Type type;
    private final boolean ownSettings;
    private int used;

    /**
     * @param largest vocabulary
     * @param longest draft
     * @param acceptance the rule, which is relaxed a little here where it takes a parameter
     * @param factors where they come from
     */
    RandomCase(Random random, int largest, int longest, int batch, Acceptance acceptance, Schedule.Factors factors) {
        this(random, largest, longest, batch, acceptance, factors, false);
    }

    /** With given factors, and faults in about half of the sequences, some of which have several. */
    static RandomCase spoilt(Random random, int largest, int longest, int batch, Acceptance acceptance) {
        return new RandomCase(random, largest, longest, batch, acceptance, Schedule.Factors.GIVEN, true);
    }

    private RandomCase(
            Random random,
            int largest,
            int longest,
            int batch,
            Acceptance acceptance,
            Schedule.Factors factors,
            boolean spoilt) {
        this.random = random;
        this.batch = batch;
        this.acceptance = acceptance;
        vocab = acceptance instanceof Lantern lantern ? lantern.table().vocab() : vocab(random, largest);
        length = random.nextInt(longest + 1);
        type = Logits.Type.values()[random.nextInt(3)];
        schedule = schedule(factors);
        ownSettings = spoilt || random.nextBoolean();
        boolean guided = random.nextInt(3) == 0;
        boolean anywhere = random.nextInt(3) == 0;
        float[] omega = schedule.omega(length);
        Sampling target = sampling();
        Sampling draft = random.nextBoolean() ? target : sampling();
        sequences = new Sequence[batch];
        for (int b = 0; b < batch; b++) {
            Sequence one = new Sequence();
            sequences[b] = one;
            one.target = ownSettings ? sampling() : target;
            one.draft = !ownSettings ? draft : random.nextBoolean() ? one.target : sampling();
            one.omega = ownSettings && !(acceptance instanceof Lantern) ? factors(factors) : omega;
            one.budget = new float[length];
            for (int i = 0; i < length; i++) {
                one.budget[i] = ownSettings ? budget() : (float) schedule.driftBudget();
            }
            one.seed = random.nextLong();
            one.position = random.nextLong() >>> random.nextInt(64);
            one.tokens = new int[random.nextInt(4) == 0 ? random.nextInt(length + 1) : length];
        }
        float[][][] drafts = rows(length, null);
        float[][][] targets = rows(length + 1, random.nextInt(3) == 0 ? drafts : null);
        float[][][] targetOther = guided ? rows(length + 1, targets) : null;
        float[][][] draftOther = guided && random.nextBoolean() ? rows(length, drafts) : null;
        for (int b = 0; b < batch; b++) {
            boolean mine = !anywhere || random.nextBoolean();
            float[][] other = targetOther == null || !mine ? null : targetOther[b];
            float[][] draftHalf = draftOther == null || !mine ? null : draftOther[b];
            Sequence one = sequences[b];
            for (one.faults = 0; spoilt && random.nextBoolean(); one.faults++) {
                float[][][] planted = {targets[b], other, drafts[b], draftHalf};
                spoil(planted[random.nextInt(4)]);
            }
            one.targetStatus = statuses(targets[b], other, one.target, one.length() + 1);
            one.draftStatus = statuses(drafts[b], draftHalf, one.draft, one.length());
            one.p = laws(one, targets[b], other, one.target, one.targetStatus);
            one.q = laws(one, drafts[b], draftHalf, one.draft, one.draftStatus);
            for (int i = 0; i < one.length(); i++) {
                one.tokens[i] = one.q[i] == null ? random.nextInt(vocab) : token(one.q[i]);
            }
            if (one.faults > 0) {
                spoilSettings(one);
            }
            if (!mine) {
                one.targetLogits = alone(targets[b], null);
                one.draftLogits = alone(drafts[b], null);
            } else if (anywhere) {
                one.targetLogits = alone(targets[b], other);
                one.draftLogits = alone(drafts[b], draftHalf);
            }
        }
        targetLogits = anywhere ? null : together(targets, targetOther);
        draftLogits = anywhere || length == 0 ? null : together(drafts, draftOther);
        for (int b = 0; b < batch && !anywhere; b++) {
            sequences[b].targetLogits = targetLogits.sequence(b);
            sequences[b].draftLogits = length == 0 ? null : draftLogits.sequence(b);
        }
    }

    /** Log-uniform in 2..largest. */
    static int vocab(Random random, int largest) {
        return (int) Math.round(Math.exp(Math.log(2) + random.nextDouble() * Math.log(largest / 2.0)));
    }

    private Schedule schedule(Schedule.Factors factors) {
        if (acceptance instanceof Lantern) {
            return Schedule.lossless();
        }
        return switch (factors) {
            case GIVEN -> {
                double[] wide = new double[length];
                float[] omega = factors(factors);
                for (int i = 0; i < length; i++) {
                    wide[i] = omega[i];
                }
                yield Schedule.explicit(wide);
            }
            case BUDGET -> random.nextBoolean()
                    ? Schedule.budget(budget())
                    : Schedule.budget(budget()).cap(1 + 5 * random.nextDouble());
            case ENTROPY -> Schedule.entropy(3 * random.nextDouble());
        };
    }

    private float[] factors(Schedule.Factors factors) {
        float[] omega = new float[length];
        for (int i = 0; i < length; i++) {
            omega[i] = random.nextInt(8) == 0 ? random.nextInt(3) : 3 * random.nextFloat();
            if (factors == Schedule.Factors.BUDGET && random.nextBoolean()) {
                omega[i] = 1e38f;
            }
        }
        return omega;
    }

    private float budget() {
        return random.nextInt(6) == 0 ? 0 : (float) Math.exp(-8 * random.nextDouble());
    }

    /**
     * Drawn from Q, or from its root, which has more of the unlikely tokens. Token by token, some are any at all; a block that
     * begins with tokens which Q hardly has is decided by rounding.
     */
    private int token(double[] q) {
        if (random.nextInt(acceptance instanceof Acceptance.Block ? 200 : 8) == 0) {
            return random.nextInt(vocab);
        }
        return draw(random.nextInt(4) == 0 ? root(q) : q);
    }

    private static double[] root(double[] q) {
        double[] root = Arrays.stream(q).map(Math::sqrt).toArray();
        double mass = ReferenceVerifier.sum(root);
        return Arrays.stream(root).map(x -> x / mass).toArray();
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

    private static Status[] statuses(float[][] c, float[][] u, Sampling sampling, int n) {
        Status[] statuses = new Status[n];
        for (int i = 0; i < n; i++) {
            statuses[i] = ReferenceLaw.status(c[i], u == null ? null : u[i], sampling);
        }
        return statuses;
    }

    /** Null where the row has none. */
    private static double[][] laws(Sequence one, float[][] c, float[][] u, Sampling sampling, Status[] statuses) {
        double[][] laws = new double[statuses.length][];
        for (int i = 0; i < laws.length; i++) {
            if (statuses[i] == Status.OK) {
                ReferenceLaw law = ReferenceLaw.of(c[i], u == null ? null : u[i], sampling);
                one.margin = Math.min(one.margin, law.margin());
                laws[i] = law.p();
            }
        }
        return laws;
    }

    /** A bad value in a row, or nothing but -inf in it. */
    private void spoil(float[][] rows) {
        if (rows == null || rows.length == 0) {
            return;
        }
        float[] row = rows[random.nextInt(rows.length)];
        switch (random.nextInt(3)) {
            case 0 -> row[random.nextInt(vocab)] = Float.NaN;
            case 1 -> row[random.nextInt(vocab)] = Float.POSITIVE_INFINITY;
            default -> Arrays.fill(row, Float.NEGATIVE_INFINITY);
        }
    }

    /** Now and then a bad token, factor or sampling too. */
    private void spoilSettings(Sequence one) {
        if (one.length() > 0 && random.nextInt(6) == 0) {
            one.tokens[random.nextInt(one.length())] =
                    new int[] {-1, vocab, Integer.MIN_VALUE, Integer.MAX_VALUE}[random.nextInt(4)];
        }
        if (length > 0 && random.nextInt(6) == 0) {
            one.omega[random.nextInt(length)] = new float[] {Float.NaN, -1, Float.POSITIVE_INFINITY}[random.nextInt(3)];
        }
        if (random.nextInt(6) == 0) {
            Sampling bad = Sampling.of().window(0, vocab + 1 + random.nextInt(3));
            one.target = random.nextBoolean() ? bad : one.target;
            one.draft = one.target == bad ? one.draft : bad;
        }
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
                for (int v : new int[] {sequences[b].target.windowFrom(), sequences[b].draft.windowFrom()}) {
                    row[v] = row[v] == Float.NEGATIVE_INFINITY ? 0 : row[v];
                }
            }
        }
        return rows;
    }

    private int rowStride;

    private Logits together(float[][][] c, float[][][] u) {
        rowStride = vocab + random.nextInt(4);
        int batchStride = c[0].length * rowStride + random.nextInt(4);
        Logits view = block(c, batchStride);
        if (u == null) {
            return view;
        }
        rowStride = vocab + random.nextInt(4);
        return view.guidedBy(block(u, u[0].length * rowStride + random.nextInt(4)));
    }

    /** A sequence anywhere; all have one row stride. */
    private Logits alone(float[][] c, float[][] u) {
        if (c.length == 0) {
            return null;
        }
        rowStride = vocab + 1;
        used += 64 * random.nextInt(3);
        Logits view = block(new float[][][] {c}, 0);
        return u == null ? view : view.guidedBy(block(new float[][][] {u}, 0));
    }

    private Logits block(float[][][] rows, int batchStride) {
        int size = type.size();
        int n = rows[0].length;
        int start = used + size * random.nextInt(16);
        for (int b = 0; b < rows.length; b++) {
            for (int i = 0; i < n; i++) {
                int at = start + size * (b * batchStride + i * rowStride);
                for (int v = 0; v < vocab; v++) {
                    HalfTypes.put(MEMORY, at + size * v, rows[b][i][v], type);
                }
            }
        }
        used = (start + size * Math.max(rows.length * batchStride, n * rowStride) + 63) / 64 * 64;
        long address = new Pointer(MEMORY).address() + start;
        return Logits.at(address, type, rows.length, n, vocab, batchStride, rowStride);
    }

    VerifierSpec spec() {
        return VerifierSpec.builder(vocab)
                .drafts(schedule.draftLength(length))
                .target(ownSettings ? Sampling.of() : sequences[0].target)
                .draft(ownSettings ? Sampling.of() : sequences[0].draft)
                .acceptance(acceptance)
                .build();
    }

    /** Runs the step on the library. */
    Step run(Verifier verifier) {
        Step step = verifier.step(batch);
        for (int b = 0; b < batch; b++) {
            begin(step, b);
            step.draft(b, sequences[b].tokens, sequences[b].length());
        }
        verify(step);
        return step;
    }

    /** Begins sequence b, with its settings, in its slot. */
    void begin(Step step, int b) {
        begin(step, b, b);
    }

    /** In another slot. */
    void begin(Step step, int b, int slot) {
        begin(step, slot, sequences[b], 0, length);
    }

    /** Begins a sequence at its draft position {@code from}, with the settings of n positions. */
    private void begin(Step step, int slot, Sequence one, int from, int n) {
        step.begin(slot, one.seed, one.position + from);
        if (ownSettings) {
            step.sampling(slot, one.target, one.draft);
            if (!(acceptance instanceof Lantern)) {
                step.factors(slot, Arrays.copyOfRange(one.omega, from, from + n));
            }
            if (schedule.factors() == Schedule.Factors.BUDGET) {
                step.budget(slot, Arrays.copyOfRange(one.budget, from, from + n));
            }
        }
    }

    /**
     * The factors [batch][n] that the library uses: what was given, or what it finds at each position when it is verified alone.
     */
    double[][] factors() {
        double[][] factors = new double[batch][];
        int positions = 0;
        for (int b = 0; b < batch; b++) {
            factors[b] = new double[sequences[b].length()];
            for (int i = 0; i < factors[b].length; i++) {
                factors[b][i] = sequences[b].omega[i];
                positions++;
            }
        }
        if (schedule.factors() == Schedule.Factors.GIVEN || positions == 0) {
            return factors;
        }
        VerifierSpec alone = VerifierSpec.builder(vocab)
                .drafts(schedule.draftLength(1))
                .target(ownSettings ? Sampling.of() : sequences[0].target)
                .draft(ownSettings ? Sampling.of() : sequences[0].draft)
                .build();
        try (Verifier verifier = TestBackend.open(alone)) {
            Step step = verifier.step(1);
            for (int b = 0; b < batch; b++) {
                Sequence one = sequences[b];
                for (int i = 0; i < factors[b].length; i++) {
                    begin(step, 0, one, i, 1);
                    step.draft(0, new int[] {one.tokens[i]}, 1);
                    step.verify(rows(one.targetLogits, i, 2), rows(one.draftLogits, i, 1));
                    assertThat(step.status(0)).as(toString()).isEqualTo(Status.OK);
                    factors[b][i] = step.verdict(0).factor(0);
                }
            }
        }
        return factors;
    }

    private static Logits rows(Logits all, int from, int n) {
        Logits view = Logits.at(
                all.address() + from * all.rowStride() * all.type().size(),
                all.type(),
                n,
                all.vocab(),
                all.rowStride());
        return all.unconditional() == null ? view : view.guidedBy(rows(all.unconditional(), from, n));
    }

    void verify(Step step) {
        if (targetLogits != null) {
            step.verify(targetLogits, draftLogits);
            return;
        }
        for (int b = 0; b < batch; b++) {
            step.target(b, sequences[b].targetLogits);
            if (sequences[b].length() > 0) {
                step.draft(b, sequences[b].draftLogits);
            }
        }
        step.verify();
    }

    /** What the reference decides for sequence b where the library's factors are these. */
    Outcome expected(int b, double[] omega) {
        return expected(b, omega, ReferenceBlock.Defect.NONE);
    }

    /** The same with a defect, where it is a block. */
    Outcome expected(int b, double[] omega, ReferenceBlock.Defect defect) {
        Sequence one = sequences[b];
        ReferenceVerifier.Uniforms u = uniforms(one, one.length());
        return acceptance instanceof Acceptance.Block
                ? ReferenceVerifier.block(one.p, one.q, one.tokens, rule(omega), u, defect)
                : ReferenceVerifier.tokens(one.p, one.q, one.tokens, rule(omega), u);
    }

    private ReferenceVerifier.Uniforms uniforms(Sequence one, int n) {
        boolean block = acceptance instanceof Acceptance.Block;
        long seed = block ? Philox.stepSeed(one.seed, one.position) : one.seed;
        return ReferenceVerifier.Uniforms.of(seed, one.position, n);
    }

    /** Writes a value over the one of token v in draft row i, which may have been sampled from. */
    void overwrite(Sequence one, int i, int v, float x) {
        long at = one.draftLogits.row(i).address() - new Pointer(MEMORY).address();
        HalfTypes.put(MEMORY, (int) at + type.size() * v, x, type);
    }

    /**
     * What a verification with normalisers says of sequence b whose draft row {@code row} has become {@code bad} at token v, which
     * both windows have: a row is judged at the drafted token, and whole where a pass reads it.
     */
    Judged judgeChanged(int b, int row, int v, Status bad) {
        Sequence one = sequences[b];
        int n = one.length();
        double[] omega = new double[n];
        for (int i = 0; i < n; i++) {
            omega[i] = one.omega[i];
        }
        Outcome outcome = expected(b, omega);
        double margin = Math.min(one.margin, outcome.margin());
        boolean seen = one.tokens[row] == v;
        if (acceptance instanceof Acceptance.Block) {
            double[][] law = Arrays.copyOf(one.p, n + 1);
            for (int i = 0; i < n; i++) {
                law[i] = rule(omega).law(i, one.p[i], one.q[i]);
            }
            ReferenceBlock block = new ReferenceBlock(one.p, law, one.q, one.tokens, ReferenceBlock.Defect.NONE);
            // Phat of the position; the sum S or the residual behind as many tokens.
            seen |= omega[row] > 1;
            boolean sum = row > 0
                    && outcome.accepted() <= row
                    && block.prefix(row) < 1
                    && uniforms(one, n).accept()[row - 1] < block.prefix(row);
            seen |= sum || outcome.accepted() == row;
            seen &= block.prefix(row) > 0;
        } else {
            seen = outcome.accepted() >= row && seen || outcome.accepted() == row;
        }
        return new Judged(seen ? bad : Status.OK, margin);
    }

    /** A status, and how far it is from being another. */
    record Judged(Status status, double margin) {}

    /**
     * What the reference says of sequence b: settings first, then tokens, then rows in the order in which the rule needs them. A row
     * that it does not need is not judged.
     */
    Judged judge(int b, double[] omega) {
        Sequence one = sequences[b];
        int n = one.length();
        if (!one.settingsFit(vocab)) {
            return new Judged(Status.SAMPLING, 1);
        }
        for (double factor : omega) {
            if (!(factor >= 0) || Double.isInfinite(factor)) {
                return new Judged(Status.FACTOR, 1);
            }
        }
        for (int token : one.tokens) {
            if (token < 0 || token >= vocab) {
                return new Judged(Status.TOKEN_OUT_OF_RANGE, 1);
            }
        }
        double margin = one.margin;
        for (int i = 0; i <= n; i++) {
            if (one.targetStatus[i] != Status.OK) {
                return new Judged(one.targetStatus[i], margin);
            }
            if (i < n && one.draftStatus[i] != Status.OK) {
                return new Judged(one.draftStatus[i], margin);
            }
            if (i == n) {
                break;
            }
            // The first i + 1 positions, behind which there may be a bonus that needs no row here.
            Outcome soFar = part(one, i + 1, omega);
            margin = Math.min(margin, soFar.margin());
            boolean goesOn = acceptance instanceof Acceptance.Block
                    ? new ReferenceBlock(
                                            soFarLaws(one, i + 1),
                                            relaxedLaws(one, i + 1, omega),
                                            Arrays.copyOf(one.q, i + 1),
                                            Arrays.copyOf(one.tokens, i + 1),
                                            ReferenceBlock.Defect.NONE)
                                    .prefix(i + 1)
                            > 0
                    : soFar.accepted() == i + 1;
            if (!goesOn || acceptance instanceof Acceptance.Block && i + 1 == n && soFar.accepted() < n) {
                return new Judged(Status.OK, margin);
            }
        }
        return new Judged(Status.OK, margin);
    }

    private Outcome part(Sequence one, int n, double[] omega) {
        ReferenceVerifier.Uniforms u = uniforms(one, n);
        double[][] p = soFarLaws(one, n);
        double[][] q = Arrays.copyOf(one.q, n);
        int[] tokens = Arrays.copyOf(one.tokens, n);
        return acceptance instanceof Acceptance.Block
                ? ReferenceVerifier.block(p, q, tokens, rule(omega), u, ReferenceBlock.Defect.NONE)
                : ReferenceVerifier.tokens(p, q, tokens, rule(omega), u);
    }

    /** P of the first n positions, and any law behind them. */
    private static double[][] soFarLaws(Sequence one, int n) {
        double[][] p = Arrays.copyOf(one.p, n + 1);
        p[n] = p[n - 1];
        return p;
    }

    private double[][] relaxedLaws(Sequence one, int n, double[] omega) {
        double[][] p = soFarLaws(one, n);
        for (int i = 0; i < n; i++) {
            p[i] = rule(omega).law(i, p[i], one.q[i]);
        }
        return p;
    }

    private Rule rule(double[] omega) {
        if (acceptance instanceof Lantern lantern) {
            return ReferenceVerifier.lantern(lantern);
        }
        return ReferenceVerifier.relaxed(omega, acceptance instanceof Acceptance.Token token ? token.affine() : 0);
    }

    boolean certified() {
        return !(acceptance instanceof Lantern lantern) || lantern.optimal();
    }

    Report[] reports() {
        return certified() ? Report.values() : new Report[] {Report.LOG_PROB};
    }

    @Override
    public String toString() {
        return "V = " + vocab + ", L = " + length + ", batch " + batch + ", " + type + ", " + acceptance + ", "
                + schedule + (targetLogits == null ? ", anywhere" : "");
    }
}
