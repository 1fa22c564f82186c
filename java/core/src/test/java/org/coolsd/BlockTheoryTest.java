package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.coolsd.ReferenceBlock.Defect;
import org.coolsd.ReferenceVerifier.Rule;
import org.coolsd.SequenceLaw.Exact;
import org.coolsd.SequenceLaw.Verification;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * docs/theory.md, checked by exact enumeration of whole sequences on random chains; {@code -Dcoolsd.test.chains=20000} tries
 * more of them.
 */
class BlockTheoryTest {
    private static final int CHAINS = Integer.getInteger("coolsd.test.chains", 300);
    private static final double ROUNDING = 1e-12;

    /** Random laws, their length, and random factors. */
    private record Case(RandomChains chains, int length, int draftLength, double[] omega) {
        /**
         * @param longest sequences
         * @param depths whether the drafter knows its draft position, and drafts may end earlier for what they hold
         * @param falling whether the factors do not increase
         */
        static Case of(Random random, int longest, boolean depths, boolean falling) {
            int vocab = 2 + random.nextInt(3);
            int draftLength = 2 + random.nextInt(2);
            int length = vocab == 4 ? Math.min(longest, 4) : 3 + random.nextInt(longest - 2);
            List<Double> omega = new ArrayList<>();
            for (int i = 0; i < draftLength; i++) {
                omega.add(random.nextInt(4) == 0 ? random.nextDouble() : 1 + 3 * random.nextDouble());
            }
            if (falling) {
                omega.sort(Collections.reverseOrder());
            }
            RandomChains chains = new RandomChains(random, vocab, length, depths ? draftLength : 1);
            return new Case(
                    depths && random.nextBoolean() ? chains.ending(random) : chains,
                    length,
                    draftLength,
                    omega.stream().mapToDouble(x -> x).toArray());
        }

        Rule relaxed() {
            return ReferenceVerifier.relaxed(omega, 0);
        }

        Verification tokens(Rule rule) {
            return SequenceLaw.tokens(draftLength, rule);
        }

        Verification block(Rule rule) {
            return SequenceLaw.block(draftLength, rule, Defect.NONE);
        }

        Exact decode(Verification verification) {
            return SequenceLaw.decode(chains, length, verification);
        }

        double distance(Exact exact) {
            return ReferenceVerifier.distance(exact.law(), SequenceLaw.target(chains, length));
        }

        /** Every rule that the operation has. */
        List<Rule> rules(Random random) {
            double budget = random.nextDouble() / 4;
            double affine = random.nextDouble();
            NeighbourTable table = NeighbourTable.nearest(codebook(random, chains.vocab()), 2, chains.vocab() - 1);
            return List.of(
                    relaxed(),
                    ReferenceVerifier.relaxed(omega, affine),
                    ReferenceVerifier.relaxed(
                            (i, p, q) -> ReferenceVerifier.budgetFactor(p, q, budget, 2 * omega[i]), 0),
                    ReferenceVerifier.relaxed((i, p, q) -> ReferenceVerifier.entropyFactor(p, p.length, omega[i]), 0),
                    ReferenceVerifier.lantern(Lantern.of(table, budget)),
                    ReferenceVerifier.lantern(
                            Lantern.plusPlus(table, 1 + affine).optimalResidual()));
        }

        private static float[] codebook(Random random, int vocab) {
            float[] codebook = new float[2 * vocab];
            for (int i = 0; i < codebook.length; i++) {
                codebook[i] = random.nextFloat();
            }
            return codebook;
        }
    }

    /** With factors of 1, and with a drift budget of 0, the law is the target's, token by token and as a block. */
    @Test
    void losslessDecodingHasTheTargetsLaw() {
        Random random = new Random(11);
        for (int n = 0; n < CHAINS; n++) {
            Case one = Case.of(random, 5, random.nextBoolean(), false);
            for (Rule rule : List.of(
                    ReferenceVerifier.relaxed((i, p, q) -> 1, 0),
                    ReferenceVerifier.relaxed((i, p, q) -> ReferenceVerifier.budgetFactor(p, q, 0, 9), 0),
                    ReferenceVerifier.relaxed((i, p, q) -> 0.3 + 0.2 * i, 0))) {
                assertThat(one.distance(one.decode(one.tokens(rule)))).isLessThan(ROUNDING);
                assertThat(one.distance(one.decode(one.block(rule)))).isLessThan(ROUNDING);
            }
        }
    }

    /** TV is at most E[sum of D], and at most 1 - E[prod min(1, P/Phat)], for every rule, token by token and as a block. */
    @Test
    void bothBoundsHoldForEveryRule() {
        Random random = new Random(12);
        for (int n = 0; n < CHAINS; n++) {
            Case one = Case.of(random, 5, random.nextBoolean(), false);
            for (Rule rule : one.rules(random)) {
                for (Verification verification : List.of(one.tokens(rule), one.block(rule))) {
                    Exact exact = one.decode(verification);
                    assertThat(ReferenceVerifier.sum(exact.law())).isCloseTo(1, within(ROUNDING));
                    assertThat(one.distance(exact)).isLessThanOrEqualTo(exact.drift() + ROUNDING);
                    assertThat(one.distance(exact)).isLessThanOrEqualTo(1 - exact.kept() + ROUNDING);
                }
            }
        }
    }

    /** Given that a position emits a token, and the prefix, the token has the law Phat. */
    @Test
    void aPositionThatEmitsHasItsLaw() {
        Random random = new Random(13);
        for (int n = 0; n < CHAINS; n++) {
            Case one = Case.of(random, 4, random.nextBoolean(), false);
            for (Rule rule : one.rules(random)) {
                for (Verification verification : List.of(one.tokens(rule), one.block(rule))) {
                    assertThat(emissionError(one, verification)).isLessThan(ROUNDING);
                }
            }
        }
    }

    private static double emissionError(Case one, Verification verification) {
        int n = Math.min(one.draftLength, one.length - 1);
        return SequenceLaw.emissionError(one.chains, one.length, 0, n, verification);
    }

    /** Each defect that block verification was shipped with elsewhere, or could have here, breaks that law. */
    @ParameterizedTest
    @EnumSource
    void everyDefectIsSeen(Defect defect) {
        Random random = new Random(14);
        double worst = 0;
        for (int n = 0; n < 40; n++) {
            Case one = Case.of(random, 4, false, false);
            worst = Math.max(worst, emissionError(one, SequenceLaw.block(one.draftLength, one.relaxed(), defect)));
        }
        if (defect == Defect.NONE) {
            assertThat(worst).isLessThan(ROUNDING);
        } else {
            assertThat(worst).isGreaterThan(0.01);
        }
    }

    /** A block accepts at least i tokens at least as often as token by token, for every i and every rule. */
    @Test
    void aBlockIsNeverShorter() {
        Random random = new Random(15);
        int longer = 0;
        for (int n = 0; n < CHAINS; n++) {
            Case one = Case.of(random, 4, random.nextBoolean(), false);
            int drafted = Math.min(one.draftLength, one.length - 1);
            for (Rule rule : one.rules(random)) {
                double[] tokens = SequenceLaw.lengths(one.chains, one.length, 0, drafted, one.tokens(rule));
                double[] block = SequenceLaw.lengths(one.chains, one.length, 0, drafted, one.block(rule));
                for (int i = 0; i < drafted; i++) {
                    assertThat(block[i]).isGreaterThanOrEqualTo(tokens[i] - ROUNDING);
                }
                longer += block[drafted - 1] > tokens[drafted - 1] + ROUNDING ? 1 : 0;
            }
        }
        assertThat(longer).isGreaterThan(CHAINS);
    }

    /**
     * With factors that do not increase and a drafter that knows nothing of its draft position, blocks drift no more than
     * tokens do over sequences of up to 4 tokens.
     */
    @Test
    void blocksOfShortSequencesDriftNoMore() {
        Random random = new Random(16);
        for (int n = 0; n < 3 * CHAINS; n++) {
            Case one = Case.of(random, 4, false, true);
            Exact tokens = one.decode(one.tokens(one.relaxed()));
            Exact block = one.decode(one.block(one.relaxed()));
            assertThat(block.drift()).isLessThanOrEqualTo(tokens.drift() + ROUNDING);
            assertThat(one.distance(block)).isLessThanOrEqualTo(one.distance(tokens) + ROUNDING);
        }
    }

    /** Over longer ones they sometimes drift more, and less on average; how often is printed. */
    @Test
    void blocksOfLongerSequencesDriftLessOnAverage() {
        Random random = new Random(17);
        int tried = 0;
        int drift = 0;
        int distance = 0;
        double tokensDrift = 0;
        double blockDrift = 0;
        for (int n = 0; n < 2 * CHAINS; n++) {
            Case one = Case.of(random, 6, false, true);
            if (one.length < 5) {
                continue;
            }
            Exact tokens = one.decode(one.tokens(one.relaxed()));
            Exact block = one.decode(one.block(one.relaxed()));
            tried++;
            drift += block.drift() > tokens.drift() + ROUNDING ? 1 : 0;
            distance += one.distance(block) > one.distance(tokens) + ROUNDING ? 1 : 0;
            tokensDrift += tokens.drift();
            blockDrift += block.drift();
        }
        System.out.printf(
                "sequences of 5 and 6 tokens, falling factors: of %d chains a block's E[sum of D] is larger on %d, its TV on"
                        + " %d; on average %.4f against %.4f token by token%n",
                tried, drift, distance, blockDrift / tried, tokensDrift / tried);
        assertThat(tried).isPositive();
        assertThat(Math.max(drift, distance)).isBetween(1, tried / 4);
        assertThat(blockDrift).isLessThan(tokensDrift);
    }

    /** Lossless decoding of whole sequences takes no more steps, with drafters that know nothing of their position. */
    @Test
    void losslessBlocksTakeNoMoreSteps() {
        Random random = new Random(18);
        Rule lossless = ReferenceVerifier.relaxed((i, p, q) -> 1, 0);
        double saved = 0;
        for (int n = 0; n < CHAINS; n++) {
            Case one = Case.of(random, 6, false, false);
            double tokens = one.decode(one.tokens(lossless)).steps();
            double block = one.decode(one.block(lossless)).steps();
            assertThat(block).isLessThanOrEqualTo(tokens + ROUNDING);
            saved += tokens - block;
        }
        assertThat(saved).isPositive();
    }

    /** Laws that depend on the place in the sequence only, and the drafter's on the draft position from {@code deep} on. */
    private record PlacedLaws(double[][] p, double[][] q, double[][] deepQ, int deep) implements SequenceLaw.Laws {
        @Override
        public int vocab() {
            return 2;
        }

        @Override
        public double[] target(int prefix) {
            return p[place(prefix)];
        }

        @Override
        public double[] draft(int prefix, int depth) {
            return (depth < deep ? q : deepQ)[place(prefix)];
        }

        private static int place(int prefix) {
            int place = 0;
            for (int m = prefix; m > 0; m = (m - 1) / 2) {
                place++;
            }
            return place;
        }

        /** E[sum of D] and TV of a block, and of tokens. */
        double[] drifts(int length, double... omega) {
            Rule rule = ReferenceVerifier.relaxed(omega, 0);
            Exact block = SequenceLaw.decode(this, length, SequenceLaw.block(omega.length, rule, Defect.NONE));
            Exact tokens = SequenceLaw.decode(this, length, SequenceLaw.tokens(omega.length, rule));
            double[] target = SequenceLaw.target(this, length);
            return new double[] {
                block.drift(),
                tokens.drift(),
                ReferenceVerifier.distance(block.law(), target),
                ReferenceVerifier.distance(tokens.law(), target)
            };
        }
    }

    private static final double[] EVEN = {0.5, 0.5};
    private static final double[] FIRST = {1, 0};
    private static final double[] QUARTER = {0.25, 0.75};
    private static final double[] THREE_QUARTERS = {0.75, 0.25};

    /** Falling factors, 5 tokens: a longer block puts another token at the position that is relaxed. */
    @Test
    void counterexampleWithFallingFactors() {
        double[][] p = {QUARTER, EVEN, EVEN, EVEN, EVEN};
        double[][] q = {FIRST, QUARTER, EVEN, FIRST, EVEN};
        double[] drifts = new PlacedLaws(p, q, q, 9).drifts(5, 2, 1);
        assertThat(drifts).containsExactly(new double[] {0.625, 0.5625, 0.375, 0.3125}, within(ROUNDING));
    }

    /** Increasing factors, 4 tokens: a longer block reaches the relaxed position more often. */
    @Test
    void counterexampleWithIncreasingFactors() {
        double[][] p = {QUARTER, EVEN, EVEN, EVEN};
        double[][] q = {FIRST, QUARTER, FIRST, EVEN};
        double[] drifts = new PlacedLaws(p, q, q, 9).drifts(4, 1, 1, 2);
        assertThat(drifts).containsExactly(new double[] {0.125, 0.09375, 0.125, 0.09375}, within(ROUNDING));
    }

    /** Constant factors, 4 tokens, a drafter that is bad at its third position. */
    @Test
    void counterexampleWithADrafterThatKnowsItsDepth() {
        double[][] p = {QUARTER, THREE_QUARTERS, EVEN, EVEN};
        double[][] q = {FIRST, QUARTER, EVEN, EVEN};
        double[][] deep = {FIRST, QUARTER, FIRST, EVEN};
        double[] drifts = new PlacedLaws(p, q, deep, 2).drifts(4, 2, 2, 2);
        assertThat(drifts).containsExactly(new double[] {0.75, 0.6875, 0.4375, 0.375}, within(ROUNDING));
    }
}
