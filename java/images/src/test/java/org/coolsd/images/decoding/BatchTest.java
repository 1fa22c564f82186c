package org.coolsd.images.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.images.ImageRequest;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.tiny.TinyModel;
import org.junit.jupiter.api.Test;

/** A request gives the same image, bit for bit, alone and in any batch, with one thread and with several. */
class BatchTest {
    private static final List<ImageRequest> REQUESTS = new ArrayList<>();

    static {
        for (int i = 0; i < 23; i++) {
            REQUESTS.add(new ImageRequest(i % 10, 100 + i));
        }
    }

    @Test
    void batchAndThreadsDoNotMatterInF16() throws Exception {
        assumeThat(Precision.fastest()).isEqualTo(Precision.F16);
        TinyModel model = TinyModel.load(6, Precision.F16, Placement.cpu());
        for (float guidance : new float[] {1, 2}) {
            for (int length : new int[] {0, 4}) {
                List<int[]> alone = decode(model, guidance, length, DecoderOptions.of());
                for (int batch : new int[] {1, 2, 5, 32}) {
                    for (int threads : new int[] {1, 2, 3}) {
                        DecoderOptions options =
                                DecoderOptions.of().batch(batch).threads(threads);
                        assertThat(decode(model, guidance, length, options))
                                .as(
                                        "guidance %s, draft length %s, batch %s, threads %s",
                                        guidance, length, batch, threads)
                                .usingRecursiveComparison()
                                .isEqualTo(alone);
                    }
                }
            }
        }
    }

    /** Laws do not depend on the batch in any precision; single images may, by rounding, and seldom do. */
    @Test
    void fewImagesDifferInF32() throws Exception {
        TinyModel model = TinyModel.load(6, Precision.F32, Placement.cpu());
        List<int[]> alone = decode(model, 2, 4, DecoderOptions.of());
        List<int[]> batched = decode(model, 2, 4, DecoderOptions.of().batch(8));
        int equal = 0;
        for (int i = 0; i < alone.size(); i++) {
            equal += java.util.Arrays.equals(alone.get(i), batched.get(i)) ? 1 : 0;
        }
        assertThat(equal).isGreaterThanOrEqualTo(alone.size() - 3);
    }

    @Test
    void threadsAreNoMoreThanThereIsWorkFor() throws Exception {
        TinyModel model = TinyModel.load();
        Schedule.Drafts plain = Schedule.lossless().draftLength(0);
        DecoderOptions many = DecoderOptions.of().threads(8);
        try (SpeculativeDecoder guided =
                        TinyDecoders.of(model, plain, Sampling.of().guidance(2), many);
                SpeculativeDecoder unguided = TinyDecoders.of(model, plain, Sampling.of(), many);
                SpeculativeDecoder batch = TinyDecoders.of(model, plain, Sampling.of(), many.batch(3))) {
            assertThat(guided.threads()).isEqualTo(2);
            assertThat(unguided.threads()).isEqualTo(1);
            assertThat(batch.threads()).isEqualTo(3);
        }
    }

    private static List<int[]> decode(TinyModel model, float guidance, int length, DecoderOptions options) {
        Schedule.Drafts schedule = Schedule.exponential(1.3).draftLength(length);
        try (SpeculativeDecoder decoder =
                TinyDecoders.of(model, schedule, Sampling.of().guidance(guidance), options)) {
            return decoder.decode(REQUESTS, DecodingListener.NONE, new Cancellation());
        }
    }
}
