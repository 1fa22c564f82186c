package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Acceptance;
import org.coolsd.CoolsdException;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Ticket;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.eagle.EagleModel;
import org.coolsd.models.llamagen.LlamaGenTarget;
import org.coolsd.models.tiny.TinyModel;
import org.junit.jupiter.api.Test;

/** LlamaGen and EAGLE behind the interfaces of the decoding loop. */
class DecodingLoopTest {
    private static final int IMAGES = 11;

    @Test
    void tokensAreThoseOfTheRequestAloneWhateverTheBatchAndTheThreads() throws Exception {
        // In other precisions a batch may change an image by rounding.
        Precision precision = Precision.F16;
        assumeThat(Precision.fastest()).isEqualTo(precision);
        try (LoopOfTinyModel model = new LoopOfTinyModel(TinyModel.load(6, precision, Placement.cpu()))) {
            for (float guidance : new float[] {1, 2}) {
                for (int length : new int[] {0, 4}) {
                    for (Acceptance rule : List.of(Acceptance.token(), Acceptance.block())) {
                        List<int[]> expected =
                                tokens(model.decode(guidance, length, rule, 1, 1, DraftPolicy.fixed(), model.eagle()));
                        for (int slots : new int[] {1, 5}) {
                            for (int threads : new int[] {1, 2, 3}) {
                                List<Result> found = model.decode(
                                        guidance, length, rule, slots, threads, DraftPolicy.fixed(), model.eagle());
                                assertThat(tokens(found))
                                        .as(
                                                "guidance %s, L %s, %s, slots %s, threads %s",
                                                guidance, length, rule, slots, threads)
                                        .usingRecursiveComparison()
                                        .isEqualTo(expected);
                            }
                        }
                    }
                }
            }
        }
    }

    private static List<int[]> tokens(List<Result> results) {
        return results.stream().map(Result::tokens).toList();
    }

    @Test
    void adaptiveDraftsAreShorterAndTheSameInABatch() throws Exception {
        assumeThat(Precision.fastest()).isEqualTo(Precision.F16);
        try (LoopOfTinyModel model = new LoopOfTinyModel(TinyModel.load(6, Precision.F16, Placement.cpu()))) {
            List<Result> alone = model.decode(2, 6, Acceptance.token(), 1, 1, DraftPolicy.adaptive(0.6), model.eagle());
            assertThat(alone).allMatch(result -> result.drafted() < 6 * result.steps());
            List<Result> batch = model.decode(2, 6, Acceptance.token(), 4, 2, DraftPolicy.adaptive(0.6), model.eagle());
            assertThat(tokens(batch)).usingRecursiveComparison().isEqualTo(tokens(alone));
        }
    }

    @Test
    void draftsOfTheTargetAloneMakeWholeImages() throws Exception {
        try (LoopOfTinyModel model = new LoopOfTinyModel(TinyModel.load(6, Precision.F32, Placement.cpu()))) {
            for (Drafter<Integer> drafter : List.of(Drafter.<Integer>jacobi(), Drafter.<Integer>coupled())) {
                List<Result> alone = model.decode(2, 4, Acceptance.token(), 1, 1, DraftPolicy.fixed(), drafter);
                assertThat(alone).allMatch(result -> result.tokens().length == 36 && result.accepted() > 0);
            }
        }
    }

    @Test
    void nanEndsItsImageOnlyAndLeavesNothingBehind() throws Exception {
        try (LoopOfTinyModel model = new LoopOfTinyModel(TinyModel.withNanToken(7));
                Decoder<Integer> decoder =
                        model.decoder(2, 4, Acceptance.token(), 2, 1, DraftPolicy.fixed(), model.eagle())) {
            List<Ticket> tickets = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                tickets.add(decoder.submit(model.request(i, 2)));
            }
            while (decoder.step()) {
                assertThat(tickets).isNotEmpty();
            }
            long failed = tickets.stream()
                    .filter(ticket -> ticket.result().isCompletedExceptionally())
                    .count();
            assertThat(failed).isBetween(1L, 39L);
            for (int i = 0; i < 40; i++) {
                var result = tickets.get(i).result();
                if (result.isCompletedExceptionally()) {
                    assertThatThrownBy(result::join)
                            .hasCauseInstanceOf(CoolsdException.class)
                            .hasMessageContaining("NAN");
                    continue;
                }
                // What a failed image left in a slot would show here: the same request in a fresh decoder.
                try (Decoder<Integer> fresh =
                        model.decoder(2, 4, Acceptance.token(), 2, 1, DraftPolicy.fixed(), model.eagle())) {
                    assertThat(fresh.decode(List.of(model.request(i, 2))).get(0).tokens())
                            .isEqualTo(result.join().tokens());
                }
            }
        }
    }

    @Test
    void modelsStayOpenAsLongAsADecoder() throws Exception {
        TinyModel tiny = TinyModel.load();
        LoopOfTinyModel model = new LoopOfTinyModel(tiny);
        Decoder<Integer> decoder = model.decoder(2, 4, Acceptance.token(), 1, 2, DraftPolicy.fixed(), model.eagle());
        assertThatIllegalStateException().isThrownBy(tiny.target()::close);
        assertThatIllegalStateException().isThrownBy(tiny.drafter()::close);
        decoder.close();
        assertThatIllegalStateException().isThrownBy(decoder::step);
        assertThatIllegalStateException().isThrownBy(() -> decoder.submit(model.request(0, 2)));
        model.close();
    }

    @Test
    void wrongLabelsEndTheirRequest() throws Exception {
        try (LoopOfTinyModel model = new LoopOfTinyModel(TinyModel.load());
                Decoder<Integer> decoder =
                        model.decoder(1, 4, Acceptance.token(), 2, 1, DraftPolicy.fixed(), model.eagle())) {
            Ticket wrong = decoder.submit(Request.of(10, 1, Sampling.of(), 16));
            Ticket right = decoder.submit(Request.of(9, 1, Sampling.of(), 16));
            while (decoder.step()) {
                assertThat(right.result()).isNotCompletedExceptionally();
            }
            assertThatThrownBy(() -> wrong.result().join()).hasMessageContaining("label is 10, it must be 0..9");
            assertThat(right.result().join().tokens()).hasSize(16);
        }
    }

    /** The tiny model and its decoders. */
    private record LoopOfTinyModel(TinyModel model) implements AutoCloseable {
        Drafter<Integer> eagle() {
            return new EagleModel<>(model.drafter());
        }

        Decoder<Integer> decoder(
                float guidance,
                int length,
                Acceptance rule,
                int slots,
                int threads,
                DraftPolicy policy,
                Drafter<Integer> drafter) {
            return new Decoder<>(
                    new LlamaGenTarget(model.target(), guidance != 1, threads),
                    drafter,
                    DecoderOptions.of(length)
                            .slots(slots)
                            .drafts(policy)
                            .schedule(Schedule.exponential(1.3))
                            .acceptance(rule));
        }

        List<Result> decode(
                float guidance,
                int length,
                Acceptance rule,
                int slots,
                int threads,
                DraftPolicy policy,
                Drafter<Integer> drafter) {
            List<Request<Integer>> requests = new ArrayList<>();
            for (int i = 0; i < IMAGES; i++) {
                requests.add(request(i, guidance));
            }
            try (Decoder<Integer> decoder = decoder(guidance, length, rule, slots, threads, policy, drafter)) {
                return decoder.decode(requests);
            }
        }

        Request<Integer> request(int i, float guidance) {
            return Request.of(
                    i % 10,
                    100 + i,
                    Sampling.of().guidance(guidance),
                    model.target().config().blockSize());
        }

        @Override
        public void close() {
            model.drafter().close();
            model.target().close();
        }
    }
}
