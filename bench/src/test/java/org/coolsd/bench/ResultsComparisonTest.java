package org.coolsd.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.coolsd.bench.Figure.Kind;
import org.junit.jupiter.api.Test;

/** Which figures count as moved: real changes, not noise. Runs are simulated as a busy machine makes them. */
class ResultsComparisonTest {
    private static final int ROUNDS = 2;
    private static final int ITERATIONS = 10;
    private static final int TRIALS = 2000;
    private static final Measure LIBRARY = new Measure("library", Map.of());
    private static final Measure PEER = new Measure("peer", Map.of());
    private static final Machine MACHINE = new Machine("cpu", 2, "AVX3", "17", "Linux", "1.2.3", "2.7.1", "abc");

    private final SplittableRandom random = new SplittableRandom(11);

    /** Every process is 2 % faster or slower as a whole, every iteration 4 %, and one in ten is disturbed. */
    private Samples samples(double nanoseconds) {
        double[][] values = new double[ROUNDS][ITERATIONS];
        for (int round = 0; round < ROUNDS; round++) {
            double process = Math.exp(0.02 * random.nextGaussian());
            for (int i = 0; i < ITERATIONS; i++) {
                double disturbed = random.nextInt(10) == 0 ? 1 + random.nextDouble() : 1;
                values[round][i] = nanoseconds * process * Math.exp(0.04 * random.nextGaussian()) * disturbed;
            }
        }
        return new Samples(values, new double[ROUNDS][ITERATIONS]);
    }

    private Figure ratio(double library) {
        return Comparison.times("peer over library", "here", PEER, LIBRARY)
                .figure(Map.of(LIBRARY, samples(library), PEER, samples(100_000)));
    }

    private static Results results(Figure... figures) {
        return new Results(MACHINE, List.of(figures), List.of());
    }

    /** Share of pairs of runs that are flagged when the library's time changes by {@code factor}. */
    private double flagged(double factor) {
        int moved = 0;
        for (int i = 0; i < TRIALS; i++) {
            moved += ResultsComparison.of(results(ratio(5000)), results(ratio(5000 * factor)))
                    .moved()
                    .size();
        }
        return (double) moved / TRIALS;
    }

    @Test
    void noiseIsNotFlagged() {
        assertThat(flagged(1)).isLessThan(0.01);
    }

    @Test
    void realChangesAre() {
        assertThat(flagged(1.4)).isGreaterThan(0.98);
        assertThat(flagged(1 / 1.4)).isGreaterThan(0.98);
    }

    @Test
    void saysWhatMovedAndFromWhereToWhere() {
        Figure before = new Figure("verify: LibTorch", "V = 16", Kind.TIMES, 30, 1, null);
        Figure after = new Figure("verify: LibTorch", "V = 16", Kind.TIMES, 20, 1, null);
        ResultsComparison comparison = ResultsComparison.of(results(before), results(after));
        assertThat(comparison.moved()).hasToString("[verify: LibTorch (V = 16): 30.0x -> 20.0x]");
        assertThat(ResultsComparison.of(results(before), results(before)).moved())
                .isEmpty();
    }

    @Test
    void smallDifferencesWithoutNoiseDoNotCount() {
        for (Kind kind : Kind.values()) {
            Figure before = new Figure("a", "b", kind, 30, 0, null);
            Figure near = new Figure("a", "b", kind, 31, 0, null);
            Figure far = new Figure("a", "b", kind, 60, 0, null);
            assertThat(ResultsComparison.of(results(before), results(near)).moved())
                    .isEmpty();
            assertThat(ResultsComparison.of(results(before), results(far)).moved())
                    .hasSize(1);
        }
    }

    @Test
    void figuresOfOneFileOnlyAreCounted() {
        List<Figure> figures = new ArrayList<>();
        for (String where : List.of("V = 1", "V = 2", "V = 3")) {
            figures.add(new Figure("a", where, Kind.TIMES, 2, 0.1, null));
        }
        ResultsComparison comparison =
                ResultsComparison.of(results(figures.get(0), figures.get(1)), results(figures.get(1), figures.get(2)));
        assertThat(comparison.compared()).isEqualTo(1);
        assertThat(comparison.unmatched()).isEqualTo(2);
    }

    @Test
    void roundsThatDisagreeAreNoiseToo() {
        double[][] steady = {{100, 101, 102}, {100, 101, 102}};
        double[][] shifted = {{100, 101, 102}, {140, 141, 142}};
        assertThat(Samples.noise(steady)).isLessThan(2);
        assertThat(Samples.noise(shifted)).isBetween(20.0, 30.0);
    }

    @Test
    void aRatioOfMediansKeepsTheNoiseOfBothSides() {
        Samples library = new Samples(new double[][] {{90, 100, 110, 100, 500}}, new double[][] {{0, 0, 0, 0, 0}});
        Samples peer = new Samples(new double[][] {{2000, 2000, 2000}}, new double[][] {{8, 8, 8}});
        Map<Measure, Samples> measured = Map.of(LIBRARY, library, PEER, peer);
        Figure figure = Comparison.times("", "", PEER, LIBRARY).figure(measured);
        assertThat(figure.value()).isEqualTo(20);
        assertThat(figure.noise()).isBetween(2.0, 4.0);
        assertThat(Comparison.bytes("", "", PEER, LIBRARY).figure(measured).value())
                .isEqualTo(8);
        assertThat(Comparison.nanoseconds("", "", PEER, LIBRARY)
                        .figure(measured)
                        .value())
                .isEqualTo(1900);
    }
}
