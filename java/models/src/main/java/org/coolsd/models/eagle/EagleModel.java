package org.coolsd.models.eagle;

import org.coolsd.Verifier;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetSession;
import org.coolsd.models.llamagen.LlamaGenSession;

/**
 * EAGLE as a drafter of the decoding loop, for LlamaGen.
 *
 * @param forward its weights, which stay the caller's
 */
public record EagleModel(DrafterForward forward) implements Drafter<Integer> {
    /** @throws IllegalArgumentException if the session is not that of the target it was made for */
    @Override
    public DraftSession<Integer> open(TargetSession<Integer> target, Verifier verifier, int slots) {
        if (!(target instanceof LlamaGenSession session)) {
            throw new IllegalArgumentException("EAGLE reads LlamaGen's features, the target's session is a "
                    + target.getClass().getName());
        }
        return new EagleDrafts(forward, session, slots, verifier.spec().drafts().length());
    }
}
