package org.coolsd.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;

/**
 * One way of decoding.
 *
 * @param name as the table has it
 * @param options with the longest draft; 0 is plain sampling
 */
record DecodingPlan(String name, DecoderOptions options, int threads) {
    /** Where the adaptive draft length was fastest on the shipped model. */
    private static final double REACH = 0.6;

    /** Token by token. */
    static DecodingPlan of(String name, Schedule schedule, int length, int batch, int threads) {
        // A length that is out of range is refused here, and not where the first decoder is made.
        schedule.draftLength(length);
        String draft = length == 0 ? "" : ", L = " + length;
        return new DecodingPlan(
                name + draft,
                DecoderOptions.of(length).slots(batch).schedule(schedule).drift(true),
                threads);
    }

    /** With blocks in place of tokens. */
    DecodingPlan block() {
        return new DecodingPlan(name + ", block", options.acceptance(Acceptance.block()), threads);
    }

    DecodingPlan adaptive(double reach) {
        return new DecodingPlan(
                name + String.format(Locale.ROOT, ", adaptive %.2f", reach),
                options.drafts(DraftPolicy.adaptive(reach)),
                threads);
    }

    /**
     * The ways that are compared: plain sampling first, then speculation with every schedule.
     *
     * @param lengths draft lengths of COOL-SD at delta = 1.1
     */
    static List<DecodingPlan> all(int[] lengths, int batch, int threads) {
        List<DecodingPlan> plans = new ArrayList<>();
        for (int n = 1; n <= threads; n++) {
            String name = "target only" + (threads == 1 ? "" : ", " + n + (n == 1 ? " thread" : " threads"));
            plans.add(of(name, Schedule.lossless(), 0, batch, n));
        }
        plans.add(of("lossless", Schedule.lossless(), 5, batch, threads));
        for (int length : new int[] {5, 8}) {
            plans.add(
                    of("lossless", Schedule.lossless(), length, batch, threads).block());
        }
        plans.add(of("uniform 1.1", Schedule.uniform(1.1), 5, batch, threads));
        for (int length : lengths) {
            DecodingPlan plan = of("COOL-SD 1.1", Schedule.exponential(1.1), length, batch, threads);
            plans.add(plan);
            plans.add(plan.block());
        }
        plans.add(
                of("COOL-SD 1.1", Schedule.exponential(1.1), 8, batch, threads).adaptive(REACH));
        plans.add(of("COOL-SD 1.1", Schedule.exponential(1.1), 8, batch, threads)
                .adaptive(REACH)
                .block());
        Map<String, Schedule> variants = new LinkedHashMap<>();
        variants.put("COOL-SD 1.1 clamped", Schedule.exponential(1.1).clamped());
        variants.put("COOL-SD 1.1 geometric", Schedule.exponential(1.1).geometricMean());
        variants.put("COOL-SD 2", Schedule.exponential(2));
        variants.forEach((name, schedule) -> {
            plans.add(of(name, schedule, 5, batch, threads));
            plans.add(of(name, schedule, 5, batch, threads).block());
            plans.add(of(name, schedule, 8, batch, threads).adaptive(REACH));
        });
        return plans;
    }
}
