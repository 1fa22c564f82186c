package org.coolsd.training.sweep;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.zip.CRC32;
import org.coolsd.Acceptance;
import org.coolsd.NeighbourTable;
import org.coolsd.Sampling;
import org.coolsd.VerifierSpec;
import org.coolsd.decode.DecoderOptions;

/**
 * One way of making images.
 *
 * @param method which rule, which schedule
 * @param knob of the method; 0 where it has none
 * @param drafts where drafts come from
 * @param block whether drafts are verified as blocks
 * @param draftLength L
 * @param draftTemperature of the drafter's law; other than 1 it makes a drafter worse
 */
public record Cell(Method method, double knob, Source drafts, boolean block, int draftLength, double draftTemperature) {
    /** How many times as many images the reference has: its noise is in every comparison with it. */
    private static final int REFERENCE_SHARE = 4;

    /** Where drafts come from. */
    public enum Source {
        /** Nowhere. */
        NONE,
        /** The model folder's drafter. */
        EAGLE,
        /** A weak drafter. */
        WEAK,
        /** The target's last pass. */
        JACOBI,
        /** The same, kept as far as the law is the same. */
        COUPLED
    }

    /** Plain sampling. */
    static Cell plain(Method method) {
        return new Cell(method, 0, Source.NONE, false, 0, 1);
    }

    /** What it is called, in files too. */
    public String name() {
        if (drafts == Source.NONE) {
            return method.toString();
        }
        return String.format(
                Locale.ROOT,
                "%s%s-%s%s-%s-L%d",
                method,
                method.hasKnob() ? "-" + knob : "",
                drafts.name().toLowerCase(Locale.ROOT),
                draftTemperature == 1 ? "" : "@" + draftTemperature,
                verification(),
                draftLength);
    }

    /** The curve that it is a point of: all but the knob. */
    public String curve() {
        return new Cell(method, 0, drafts, block, draftLength, draftTemperature)
                .name()
                .replaceFirst("-0\\.0", "");
    }

    /** block, token, or none without drafts. */
    public String verification() {
        return drafts == Source.NONE ? "none" : block ? "block" : "token";
    }

    /** How many images it has where others have {@code count}. */
    int images(int count) {
        return method == Method.REFERENCE ? REFERENCE_SHARE * count : count;
    }

    /** The seed of the first image of a round; those of different cells have nothing in common. */
    long seed(int round, long base) {
        CRC32 sum = new CRC32();
        sum.update(name().getBytes(StandardCharsets.UTF_8));
        return base + (sum.getValue() << 28) + ((long) round << 20);
    }

    /** The law that drafts are drawn from, with that of the target. */
    Sampling draft(Sampling target) {
        return target.temperature((float) (target.temperature() * draftTemperature));
    }

    /** How a decoder of it decodes. */
    DecoderOptions options(int slots, int tokens, NeighbourTable neighbours) {
        DecoderOptions base = DecoderOptions.of(draftLength)
                .slots(slots)
                .acceptance(block ? Acceptance.block() : Acceptance.token())
                .report(
                        method.hasDrift()
                                ? VerifierSpec.Report.values()
                                : new VerifierSpec.Report[] {VerifierSpec.Report.LOG_PROB});
        return method.options(base, knob, tokens, neighbours);
    }
}
