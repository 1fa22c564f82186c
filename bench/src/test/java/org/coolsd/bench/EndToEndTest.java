package org.coolsd.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.coolsd.Schedule;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.junit.jupiter.api.Test;

/** The end-to-end benchmark on the shipped model: not how fast, but that its figures are what they are called. */
class EndToEndTest {
    @Test
    void figuresOfTwoWays() throws Exception {
        LibTorch.load(1);
        try (Shipped<?> model = Shipped.load(Precision.fastest(), Placement.cpu())) {
            figuresOfTwoWays(model);
        }
    }

    private static <C> void figuresOfTwoWays(Shipped<C> model) {
        List<DecodingPlan> plans = List.of(
                DecodingPlan.of("target only", Schedule.lossless(), 0, 1, 1),
                DecodingPlan.of("everything accepted", Schedule.uniform(1e6), 4, 2, 1));
        try (EndToEnd<C> endToEnd = new EndToEnd<>(model, plans, 2)) {
            List<EndToEnd.Line> lines = endToEnd.run(3, said -> {});
            EndToEnd.Line plain = lines.get(0);
            assertThat(plain.acceptedLength()).isEqualTo(1);
            assertThat(plain.driftPerImage()).isZero();
            assertThat(plain.speedUp()).containsExactly(1, 1, 1);
            assertThat(plain.shares()[0]).isLessThan(0.01);
            EndToEnd.Line all = lines.get(1);
            // 196 tokens: the first step has no draft, then 39 steps of 5 tokens.
            assertThat(all.name()).isEqualTo("everything accepted, L = 4");
            assertThat(all.acceptedLength()).isEqualTo(196 / 40.0);
            assertThat(all.driftPerImage()).isPositive();
            assertThat(all.repetitions()).hasSize(3);
            for (EndToEnd.Line line : lines) {
                for (EndToEnd.Repetition r : line.repetitions()) {
                    assertThat(r.draft() + r.target()).isPositive().isLessThanOrEqualTo(r.seconds());
                }
                assertThat(line.tokensPerSecond()).isSorted();
                assertThat(line.imagesPerSecond() * 196).isCloseTo(line.tokensPerSecond()[1], within(1e-6));
            }
        }
    }

    @Test
    void quartilesInterpolate() {
        assertThat(EndToEnd.quartiles(List.of(4.0, 1.0, 2.0, 3.0, 5.0))).containsExactly(2, 3, 4);
        assertThat(EndToEnd.quartiles(List.of(1.0, 2.0))).containsExactly(1.25, 1.5, 1.75);
    }

    @Test
    void plansBeginWithPlainSamplingAndNameTheirDrafts() {
        List<DecodingPlan> plans = DecodingPlan.all(new int[] {3, 7}, 4, 2);
        assertThat(plans.get(0).options().draftLength()).isZero();
        assertThat(plans)
                .extracting(DecodingPlan::name)
                .startsWith("target only, 1 thread", "target only, 2 threads", "lossless, L = 5")
                .contains("COOL-SD 1.1, L = 3", "COOL-SD 1.1, L = 7", "COOL-SD 1.1, L = 8, adaptive 0.60");
        assertThatThrownBy(() -> DecodingPlan.all(new int[] {65}, 1, 1)).hasMessageContaining("65");
    }
}
