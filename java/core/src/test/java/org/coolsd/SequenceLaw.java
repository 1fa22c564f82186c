package org.coolsd;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The exact law of the sequences that speculative decoding generates: every draft, every accepted length and every drawn
 * token of every step is enumerated with its probability. It knows the verifier by its probabilities only, and nothing of
 * why they are right.
 *
 * <p>Prefixes are numbered: the empty one is 0, prefix m followed by token x is {@code m V + 1 + x}.
 */
final class SequenceLaw {
    /** What the models predict. */
    interface Laws {
        int vocab();

        /** P behind a prefix. */
        double[] target(int prefix);

        /** Q behind a prefix, at draft position {@code depth} (from 0) of the step. */
        double[] draft(int prefix, int depth);

        /** Whether the draft ends with this prefix, although it might be longer. */
        default boolean ends(int prefix) {
            return false;
        }
    }

    /** How drafts are verified. */
    interface Verification {
        /** The longest draft. */
        int draftLength();

        /** Phat at draft position i (from 0). */
        double[] law(int i, double[] p, double[] q);

        /** The law of what happens to a draft, of which the arguments are as in {@link ReferenceBlock}. */
        Decision decide(double[][] p, double[][] law, double[][] q, int[] draft);
    }

    /**
     * @param lengths [n+1], Pr(i tokens are accepted | the draft)
     * @param drawn [n+1][V], the law of the token after i accepted ones, not normalised
     */
    record Decision(double[] lengths, double[][] drawn) {}

    /** Token by token; the factors of {@code rule} may depend on P and Q. */
    static Verification tokens(int draftLength, ReferenceVerifier.Rule rule) {
        return new Verification() {
            @Override
            public int draftLength() {
                return draftLength;
            }

            @Override
            public double[] law(int i, double[] p, double[] q) {
                return rule.law(i, p, q);
            }

            @Override
            public Decision decide(double[][] p, double[][] law, double[][] q, int[] draft) {
                int n = draft.length;
                double[] lengths = new double[n + 1];
                double[][] drawn = new double[n + 1][];
                double reached = 1;
                for (int i = 0; i < n; i++) {
                    double f = rule.acceptance(i, p[i], q[i])[draft[i]];
                    lengths[i] = reached * (1 - f);
                    drawn[i] = rule.residual(i, p[i], q[i], draft[i]);
                    reached *= f;
                }
                lengths[n] = reached;
                drawn[n] = p[n];
                return new Decision(lengths, drawn);
            }
        };
    }

    /** As a block, of the laws that {@code rule} has. */
    static Verification block(int draftLength, ReferenceVerifier.Rule rule, ReferenceBlock.Defect defect) {
        return new Verification() {
            @Override
            public int draftLength() {
                return draftLength;
            }

            @Override
            public double[] law(int i, double[] p, double[] q) {
                return rule.law(i, p, q);
            }

            @Override
            public Decision decide(double[][] p, double[][] law, double[][] q, int[] draft) {
                ReferenceBlock block = new ReferenceBlock(p, law, q, draft, defect);
                double[][] drawn = new double[draft.length + 1][];
                for (int i = 0; i <= draft.length; i++) {
                    drawn[i] = block.drawnFrom(i);
                }
                return new Decision(block.lengths(), drawn);
            }
        };
    }

    /**
     * The closed form.
     *
     * @param law of sequences, in the order of their numbers
     * @param drift E[sum of D over the draft positions that emitted a token]
     * @param kept E[product over tokens of min(1, P/Phat)]
     * @param steps expected number of steps
     */
    record Exact(double[] law, double drift, double kept, double steps) {}

    /** One outcome of a step: nodes[i] is the prefix after i of n draft tokens, y follows nodes[accepted]. */
    private interface Visitor {
        void emitted(int[] nodes, int n, int accepted, int y, double probability);
    }

    private final Laws laws;
    private final int vocab;
    private final int length;
    private final Verification verification;
    private final double[][][] law;
    private final double[][] drift;
    private final int[] nodes;
    private final int[] draft;

    private SequenceLaw(Laws laws, int length, Verification verification) {
        this.laws = laws;
        this.vocab = laws.vocab();
        this.length = length;
        this.verification = verification;
        int longest = verification.draftLength();
        law = new double[longest][first(length)][];
        drift = new double[longest][first(length)];
        nodes = new int[longest + 1];
        draft = new int[longest];
    }

    /** The number of the first prefix of {@code length} tokens. */
    private int first(int length) {
        int first = 0;
        for (int i = 0; i < length; i++) {
            first = first * vocab + 1;
        }
        return first;
    }

    private double[] law(int i, int prefix) {
        if (law[i][prefix] == null) {
            double[] p = laws.target(prefix);
            law[i][prefix] = verification.law(i, p, laws.draft(prefix, i));
            drift[i][prefix] = ReferenceVerifier.distance(law[i][prefix], p);
        }
        return law[i][prefix];
    }

    /** The target's law of sequences. */
    static double[] target(Laws laws, int length) {
        SequenceLaw all = new SequenceLaw(laws, length, tokens(0, ReferenceVerifier.relaxed(new double[0], 0)));
        return all.decode().law;
    }

    /** What decoding sequences of {@code length} tokens generates. The last step drafts no more than can be used. */
    static Exact decode(Laws laws, int length, Verification verification) {
        return new SequenceLaw(laws, length, verification).decode();
    }

    private Exact decode() {
        int ends = first(length);
        double[] weight = new double[first(length + 1)];
        double[] kept = new double[weight.length];
        double[] sums = new double[2];
        weight[0] = 1;
        kept[0] = 1;
        int decided = 0;
        for (int prefix = 0; prefix < ends; prefix++) {
            while (prefix == first(decided + 1)) {
                decided++;
            }
            if (weight[prefix] == 0) {
                continue;
            }
            double w = weight[prefix];
            double k = kept[prefix];
            sums[1] += w;
            step(
                    prefix,
                    Math.min(verification.draftLength(), length - decided - 1),
                    (path, n, accepted, y, probability) -> {
                        double less = 1;
                        for (int i = 0; i < Math.min(accepted + 1, n); i++) {
                            int token = i < accepted ? draft[i] : y;
                            double mine = law(i, path[i])[token];
                            less *= mine > 0 ? Math.min(1, laws.target(path[i])[token] / mine) : 1;
                            sums[0] += w * probability * drift[i][path[i]];
                        }
                        int to = path[accepted] * vocab + 1 + y;
                        weight[to] += w * probability;
                        kept[to] += k * probability * less;
                    });
        }
        double[] all = Arrays.copyOfRange(weight, ends, weight.length);
        double end = 0;
        for (int s = ends; s < kept.length; s++) {
            end += kept[s];
        }
        return new Exact(all, sums[0], end, sums[1]);
    }

    /** Pr(at least i tokens are accepted) for i = 1..n of the step behind {@code prefix}. */
    static double[] lengths(Laws laws, int length, int prefix, int n, Verification verification) {
        double[] atLeast = new double[n];
        new SequenceLaw(laws, length, verification).step(prefix, n, (path, drafted, accepted, y, probability) -> {
            for (int i = 0; i < accepted; i++) {
                atLeast[i] += probability;
            }
        });
        return atLeast;
    }

    /**
     * The largest difference, over the positions of the step behind {@code prefix}, its prefixes and tokens, between the
     * probability that a position emits a token and what Phat says of it.
     */
    static double emissionError(Laws laws, int length, int prefix, int n, Verification verification) {
        SequenceLaw all = new SequenceLaw(laws, length, verification);
        Map<Integer, double[]> emitted = new HashMap<>();
        Map<Integer, double[]> expected = new HashMap<>();
        all.step(prefix, n, (path, drafted, accepted, y, probability) -> {
            for (int i = 0; i <= accepted; i++) {
                emitted.computeIfAbsent(path[i], m -> new double[all.vocab])[i < accepted ? all.draft[i] : y] +=
                        probability;
                expected.put(path[i], i == drafted ? laws.target(path[i]) : all.law(i, path[i]));
            }
        });
        double worst = 0;
        for (int m : emitted.keySet()) {
            double mass = ReferenceVerifier.sum(emitted.get(m));
            for (int v = 0; v < all.vocab; v++) {
                worst = Math.max(worst, Math.abs(emitted.get(m)[v] - mass * expected.get(m)[v]));
            }
        }
        return worst;
    }

    private void step(int prefix, int n, Visitor visitor) {
        nodes[0] = prefix;
        draft(0, n, 1, new double[n + 1][], new double[n + 1][], new double[n][], visitor);
    }

    private void draft(
            int i, int longest, double probability, double[][] p, double[][] position, double[][] q, Visitor visitor) {
        p[i] = laws.target(nodes[i]);
        if (i == longest || i > 0 && laws.ends(nodes[i])) {
            position[i] = p[i];
            Decision decision = verification.decide(
                    Arrays.copyOf(p, i + 1),
                    Arrays.copyOf(position, i + 1),
                    Arrays.copyOf(q, i),
                    Arrays.copyOf(draft, i));
            for (int accepted = 0; accepted <= i; accepted++) {
                double reached = probability * decision.lengths[accepted];
                double mass = ReferenceVerifier.sum(decision.drawn[accepted]);
                for (int y = 0; y < vocab && reached > 0; y++) {
                    if (decision.drawn[accepted][y] > 0) {
                        visitor.emitted(nodes, i, accepted, y, reached * decision.drawn[accepted][y] / mass);
                    }
                }
            }
            return;
        }
        q[i] = laws.draft(nodes[i], i);
        position[i] = law(i, nodes[i]);
        for (int x = 0; x < vocab; x++) {
            if (q[i][x] > 0) {
                draft[i] = x;
                nodes[i + 1] = nodes[i] * vocab + 1 + x;
                draft(i + 1, longest, probability * q[i][x], p, position, q, visitor);
            }
        }
    }
}
