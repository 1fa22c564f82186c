package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** What docs/theory.md says of one position, and of token verification, checked on the float64 reference. */
class TheoryTest {
    /**
     * D = sum of [min(Q, a Q + omega P) - P]+ over P > 0 is TV(Phat, P), for a = 0 it is sum min([Q - P]+, [omega - 1]+ P) and
     * Phat is at most max(1, omega) P; sum Q f = 1 - TV(P, Q) + D for f at least lossless; the residual needs no division.
     */
    @Test
    void driftIsTheTotalVariation() {
        Random random = new Random(1);
        for (int n = 0; n < 20_000; n++) {
            double[] p = RandomChains.law(random, 2 + random.nextInt(20));
            double[] q = RandomChains.law(random, p.length);
            double omega = 3 * random.nextDouble();
            double a = random.nextBoolean() ? 0 : 1.2 * random.nextDouble();
            double[] f = ReferenceVerifier.relaxed(new double[] {omega}, a).acceptance(0, p, q);
            double closed = 0;
            double accepted = 0;
            for (int v = 0; v < p.length; v++) {
                double drift = p[v] > 0 ? Math.max(Math.min(q[v], a * q[v] + omega * p[v]) - p[v], 0) : 0;
                closed += drift;
                accepted += q[v] * f[v];
                double residual = p[v] > 0 ? Math.max(Math.max(p[v] - q[v], (1 - omega) * p[v] - a * q[v]), 0) : 0;
                assertThat(Math.max(p[v] - q[v] * f[v], 0)).isCloseTo(residual, within(1e-15));
                if (a == 0) {
                    assertThat(drift)
                            .isCloseTo(
                                    Math.min(Math.max(q[v] - p[v], 0), Math.max(omega - 1, 0) * p[v]), within(1e-15));
                }
            }
            double[] law = ReferenceVerifier.law(p, q, f);
            assertThat(ReferenceVerifier.distance(law, p)).isCloseTo(closed, within(1e-12));
            if (omega >= 1) {
                assertThat(accepted).isCloseTo(1 - ReferenceVerifier.distance(p, q) + closed, within(1e-12));
            }
            for (int v = 0; v < p.length; v++) {
                assertThat(law[v]).isGreaterThanOrEqualTo(q[v] * f[v] - 1e-15);
                if (a == 0) {
                    assertThat(law[v]).isLessThanOrEqualTo(Math.max(1, omega) * p[v] + 1e-12);
                }
            }
        }
    }

    /** The budget's factor spends the budget, or all that there is, and a larger factor would spend more than it. */
    @Test
    void theBudgetIsSpentAndNotExceeded() {
        Random random = new Random(5);
        int bound = 0;
        for (int n = 0; n < 20_000; n++) {
            double[] p = RandomChains.law(random, 2 + random.nextInt(20));
            double[] q = RandomChains.law(random, p.length);
            double budget = random.nextInt(10) == 0 ? 0 : random.nextDouble() / 4;
            double cap = 1 + 20 * random.nextDouble();
            double omega = ReferenceVerifier.budgetFactor(p, q, budget, cap);
            assertThat(omega).isBetween(1.0, cap);
            assertThat(drift(p, q, omega)).isLessThanOrEqualTo(budget + 1e-12);
            if (omega < cap) {
                assertThat(drift(p, q, omega * (1 + 1e-9))).isGreaterThan(budget);
                bound++;
            }
        }
        assertThat(bound).isBetween(5_000, 19_000);
    }

    private static double drift(double[] p, double[] q, double omega) {
        double drift = 0;
        for (int v = 0; v < p.length; v++) {
            drift += Math.min(Math.max(q[v] - p[v], 0), (omega - 1) * p[v]);
        }
        return drift;
    }

    /** No law that a local search finds from random starts resamples better than G*, for any f. */
    @Test
    void noResidualBeatsTheBest() {
        Random random = new Random(2);
        for (int n = 0; n < 300; n++) {
            double[] p = RandomChains.law(random, 2 + random.nextInt(5));
            double[] q = RandomChains.law(random, p.length);
            double[] f = random.doubles(p.length).toArray();
            double best = ReferenceVerifier.distance(ReferenceVerifier.law(p, q, f), p);
            for (int start = 0; start < 10; start++) {
                double[] g = RandomChains.law(random, p.length);
                double reached = distance(p, q, f, g);
                for (int i = 0; i < 400; i++) {
                    double[] next = moved(random, g, Math.pow(0.985, i));
                    double d = distance(p, q, f, next);
                    if (d < reached) {
                        reached = d;
                        g = next;
                    }
                }
                assertThat(reached).isGreaterThanOrEqualTo(best - 1e-12);
            }
        }
    }

    private static double distance(double[] p, double[] q, double[] f, double[] g) {
        double accepted = 0;
        for (int v = 0; v < p.length; v++) {
            accepted += q[v] * f[v];
        }
        double[] law = new double[p.length];
        for (int v = 0; v < p.length; v++) {
            law[v] = q[v] * f[v] + (1 - accepted) * g[v];
        }
        return ReferenceVerifier.distance(law, p);
    }

    private static double[] moved(Random random, double[] g, double width) {
        double[] next = g.clone();
        int from = random.nextInt(g.length);
        int to = random.nextInt(g.length);
        double mass = next[from] * width * random.nextDouble();
        next[from] -= mass;
        next[to] += mass;
        return next;
    }

    /** Lossless decoding has the target's law of whole sequences; both bounds hold for every schedule. */
    @Test
    void boundsHoldOnWholeSequences() {
        Random random = new Random(3);
        for (int n = 0; n < 40; n++) {
            MarkovChains chains = new MarkovChains(random, 3, 5);
            double[] target = chains.targetLaw();
            assertThat(ReferenceVerifier.distance(
                            chains.decode(new float[] {1, 1, 1}).law(), target))
                    .isLessThan(1e-12);
            for (Schedule schedule : new Schedule[] {
                Schedule.uniform(1.5), Schedule.exponential(1.1), Schedule.exponential(2), Schedule.linear(1.5, 0.5)
            }) {
                SequenceLaw.Exact exact = chains.decode(schedule.draftLength(3).omega());
                double distance = ReferenceVerifier.distance(exact.law(), target);
                assertThat(ReferenceVerifier.sum(exact.law())).isCloseTo(1, within(1e-12));
                assertThat(distance).isLessThanOrEqualTo(exact.drift() + 1e-12);
                assertThat(distance).isLessThanOrEqualTo(1 - exact.kept() + 1e-12);
            }
        }
    }

    /** The paper's second result: at equal expected steps, relaxing early positions more gives the smaller bound. */
    @Test
    void annealingBeatsTheReversedSchedule() {
        Random random = new Random(4);
        int better = 0;
        int chainsTried = 60;
        for (int n = 0; n < chainsTried; n++) {
            MarkovChains chains = new MarkovChains(random, 3, 6);
            float[] early = {1.6f, 1.0f};
            SequenceLaw.Exact annealed = chains.decode(early);
            double lo = 1;
            double hi = 50;
            for (int i = 0; i < 50; i++) {
                double omega = (lo + hi) / 2;
                if (chains.decode(new float[] {1, (float) omega}).steps() > annealed.steps()) {
                    lo = omega;
                } else {
                    hi = omega;
                }
            }
            SequenceLaw.Exact late = chains.decode(new float[] {1, (float) hi});
            if (late.steps() > annealed.steps() + 1e-6 || annealed.drift() < late.drift()) {
                better++;
            }
        }
        System.out.printf(
                "relaxing the first position beats relaxing the second on %d of %d chains%n", better, chainsTried);
        assertThat(better).isGreaterThan(chainsTried * 3 / 4);
    }
}
