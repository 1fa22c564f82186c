package org.coolsd.models.eagle;

import org.coolsd.Verifier;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetSession;
import org.coolsd.models.decoder.DecoderSession;

/**
 * EAGLE as a drafter of the decoding loop.
 *
 * @param forward its weights, which stay the caller's
 * @param <C> what a sequence is made from
 */
public record EagleModel<C>(DrafterForward forward) implements Drafter<C> {
    /** @throws IllegalArgumentException if the session is not that of the target it was made for */
    @Override
    public DraftSession<C> open(TargetSession<C> target, Verifier verifier, int slots) {
        if (!(target instanceof DecoderSession<C> session)) {
            throw new IllegalArgumentException(
                    "EAGLE reads the features of LibTorch's decoders, the target's session is a "
                            + target.getClass().getName());
        }
        return new EagleDrafts<>(
                forward, session, slots, verifier.spec().drafts().length());
    }
}
