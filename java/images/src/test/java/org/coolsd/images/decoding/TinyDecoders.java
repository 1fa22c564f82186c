package org.coolsd.images.decoding;

import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.models.tiny.TinyModel;

/** Decoders of tiny models. */
final class TinyDecoders {
    private TinyDecoders() {}

    static SpeculativeDecoder of(TinyModel model, Schedule.Drafts schedule, Sampling sampling, DecoderOptions options) {
        return of(model, Verification.token(schedule), sampling, options);
    }

    static SpeculativeDecoder of(
            TinyModel model, Verification verification, Sampling sampling, DecoderOptions options) {
        return new SpeculativeDecoder(model.target(), model.drafter(), verification, sampling, options);
    }

    static SpeculativeDecoder of(TinyModel model, Schedule.Drafts schedule, Sampling sampling) {
        return of(model, schedule, sampling, DecoderOptions.of());
    }
}
