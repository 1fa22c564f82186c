package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Schedules and specifications are values. */
class ScheduleTest {
    private static List<Schedule> schedules() {
        return List.of(
                Schedule.lossless(),
                Schedule.uniform(1.1),
                Schedule.exponential(1.1),
                Schedule.exponential(1.1).geometricMean(),
                Schedule.linear(1.2, 1),
                Schedule.exponential(1.1).clamped(),
                Schedule.explicit(2, 1, 0.5),
                Schedule.explicit(2, 1, 0.25),
                Schedule.budget(0.01),
                Schedule.budget(0.01).cap(4),
                Schedule.entropy(2));
    }

    @Test
    void equalSchedulesAreEqual() {
        List<Schedule> some = schedules();
        List<Schedule> others = schedules();
        for (int i = 0; i < some.size(); i++) {
            for (int j = 0; j < others.size(); j++) {
                assertThat(some.get(i).equals(others.get(j))).isEqualTo(i == j);
                var drafts = some.get(i).draftLength(3);
                var like = others.get(j).draftLength(3);
                assertThat(drafts.equals(like)).isEqualTo(i == j);
                if (i == j) {
                    assertThat(drafts).hasSameHashCodeAs(like).hasToString(like.toString());
                    assertThat(some.get(i)).hasSameHashCodeAs(others.get(j));
                }
            }
        }
        assertThat(Set.copyOf(List.of(
                        VerifierSpec.of(9, Schedule.explicit(2, 1).draftLength(2), Sampling.of()),
                        VerifierSpec.of(9, Schedule.explicit(2, 1.5).draftLength(2), Sampling.of()))))
                .contains(VerifierSpec.of(9, Schedule.explicit(2, 1).draftLength(2), Sampling.of()));
        assertThat(Schedule.explicit(2, 1).draftLength(2)).asString().contains("[2.0, 1.0]");
    }

    @Test
    void factorsSayWhereTheyComeFrom() {
        for (Schedule schedule : schedules()) {
            var drafts = schedule.draftLength(3);
            Schedule.Factors expected = schedule instanceof Schedule.Budget
                    ? Schedule.Factors.BUDGET
                    : schedule instanceof Schedule.Entropy ? Schedule.Factors.ENTROPY : Schedule.Factors.GIVEN;
            assertThat(drafts.factors()).isEqualTo(expected);
            assertThat(drafts.driftBudget() > 0).isEqualTo(expected == Schedule.Factors.BUDGET);
        }
        // The budget as the float that is not above it.
        assertThat((double) Schedule.budget(0.1).draftLength(1).driftBudget()).isLessThanOrEqualTo(0.1);
        assertThat(Schedule.budget(0.1).draftLength(1).driftBudget()).isGreaterThan(0.0999999f);
        assertThat(Schedule.budget(0.1).cap(1.1).draftLength(2).omega()[1]).isBetween(1.0999998f, 1.1f);
        assertThat(Schedule.budget(0.1).draftLength(1).omega()[0]).isFinite();
        assertThat(Schedule.budget(0.1).clamped()).isEqualTo(Schedule.budget(0.1));
        assertThat(Schedule.entropy(0.5).clamped()).isEqualTo(Schedule.entropy(1));
    }

    @Test
    void wrongOnesAreNamed() {
        assertThatThrownBy(() -> Schedule.budget(-0.1))
                .hasMessage("driftBudget is -0.1, it must be finite and at least 0");
        assertThatThrownBy(() -> Schedule.budget(0.1).cap(0.9)).hasMessage("cap is 0.9, it must be at least 1");
        assertThatThrownBy(() -> Schedule.budget(0.1).cap(Double.NaN)).hasMessageContaining("cap is NaN");
        assertThatThrownBy(() -> Schedule.entropy(Double.POSITIVE_INFINITY)).hasMessageContaining("delta is Infinity");
        assertThatThrownBy(() -> new Schedule.Clamped(Schedule.budget(0.1))).hasMessageContaining("cannot be clamped");
        assertThatThrownBy(() -> new Schedule.Drafts(Schedule.lossless(), 2, new float[1]))
                .hasMessage("length is 2, omega has 1 factors");
        assertThatThrownBy(() -> Acceptance.token().affine(-1))
                .hasMessage("affine is -1.0, it must be finite and at least 0");
        var budget = Schedule.budget(0.1).draftLength(2);
        var table = NeighbourTable.nearest(new float[9], 1, 2);
        assertThatThrownBy(() -> VerifierSpec.builder(9)
                        .drafts(budget)
                        .acceptance(Lantern.of(table, 0.1))
                        .build())
                .hasMessageContaining("LANTERN takes the factor 1 only");
        assertThatThrownBy(() -> VerifierSpec.builder(8)
                        .acceptance(Lantern.of(table, 0.1))
                        .build())
                .hasMessage("the neighbour table is for a vocabulary of 9, vocab is 8");
        assertThatThrownBy(() -> VerifierSpec.builder(9)
                        .drafts(budget)
                        .acceptance(Acceptance.token().affine(0.5))
                        .build())
                .hasMessageContaining("affine is 0.5, with a drift budget it must be 0");
    }

    @Test
    void theBuilderMakesWhatTheShortFormsMake() {
        var drafts = Schedule.exponential(1.1).draftLength(5);
        Sampling target = Sampling.of().topK(5);
        Sampling draft = Sampling.of().temperature(0.5f);
        assertThat(VerifierSpec.builder(9).drafts(drafts).sampling(target).build())
                .isEqualTo(VerifierSpec.of(9, drafts, target));
        assertThat(VerifierSpec.builder(9)
                        .draft(draft)
                        .acceptance(Acceptance.block())
                        .report(VerifierSpec.Report.DRIFT)
                        .target(target)
                        .drafts(drafts)
                        .build())
                .isEqualTo(VerifierSpec.of(9, drafts, target)
                        .draft(draft)
                        .acceptance(Acceptance.block())
                        .report(VerifierSpec.Report.DRIFT));
        assertThat(VerifierSpec.builder(9).build().drafts().length()).isZero();
    }
}
