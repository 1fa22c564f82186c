package org.coolsd.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that are decided each in its own way share a batch, and have what a decoder of that way gives them. */
class OwnWaysTest {
    private static final int VOCAB = 20;
    private static final int LENGTH = 30;
    private static final int SLOTS = 5;

    private static final List<DecoderOptions> WAYS = List.of(
            DecoderOptions.of(4).schedule(Schedule.exponential(1.1)).drift(true),
            DecoderOptions.of(3).schedule(Schedule.uniform(1.3)).drift(true),
            DecoderOptions.of(4).schedule(Schedule.explicit(3, 2, 1, 0.5)).acceptance(Acceptance.block()),
            DecoderOptions.of(0).acceptance(Acceptance.block()).drift(true),
            DecoderOptions.of(4)
                    .schedule(Schedule.entropy(2))
                    .acceptance(Acceptance.block())
                    .drift(true),
            DecoderOptions.of(4).schedule(Schedule.budget(0.02)).drift(true),
            DecoderOptions.of(4).schedule(Schedule.budget(0.05).cap(1.5)).drift(true),
            DecoderOptions.of(2).factors(FactorPolicy.budgetPerSequence(1)).acceptance(Acceptance.block()),
            DecoderOptions.of(4)
                    .schedule(Schedule.linear(1.2, 0))
                    .drafts(DraftPolicy.adaptive(0.5))
                    .drift(true));

    private static Drafter<Integer> drafter(String name) {
        return switch (name) {
            case "model" -> new PrefixDrafter(new PrefixTarget(VOCAB, 2));
            case "jacobi" -> Drafter.jacobi();
            default -> Drafter.lookup(1);
        };
    }

    private static Request<Integer> request(int i) {
        return Request.of(i, 100 + i, Sampling.of().temperature(0.5f + 0.05f * i), LENGTH - i % 4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"model", "jacobi", "lookup"})
    void aRequestHasWhatADecoderOfItsWayGivesIt(String drafts) {
        int requests = 4 * WAYS.size();
        List<Result> alone = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            DecoderOptions way = WAYS.get(i % WAYS.size());
            Drafter<Integer> drafter = way.draftLength() == 0 ? Drafter.none() : drafter(drafts);
            try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), drafter, way)) {
                alone.addAll(decoder.decode(List.of(request(i))));
            }
        }
        DecoderOptions options = DecoderOptions.of(6).slots(SLOTS).schedule(Schedule.uniform(5));
        try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), drafter(drafts), options)) {
            List<Ticket> tickets = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                tickets.add(decoder.submit(request(i), WAYS.get(i % WAYS.size()), Listener.NONE));
            }
            while (decoder.step()) {}
            for (int i = 0; i < requests; i++) {
                assertThat(tickets.get(i).result().join())
                        .as("request %d", i)
                        .usingRecursiveComparison()
                        .isEqualTo(alone.get(i));
            }
        }
    }

    /** What a step tells adds up to what the result says. */
    @Test
    void aListenerHearsItsStepsBeforeTheirTokens() {
        DecoderOptions options =
                DecoderOptions.of(4).schedule(Schedule.uniform(1.2)).drift(true);
        List<String> heard = new ArrayList<>();
        int[] drafted = new int[1];
        int[] accepted = new int[1];
        double[] drift = new double[1];
        List<Integer> tokens = new ArrayList<>();
        Listener listener = new Listener() {
            @Override
            public void begun() {
                heard.add("begun");
            }

            @Override
            public void verified(int position, int[] draft, int count, int kept, double stepDrift) {
                assertThat(position).isEqualTo(tokens.size());
                heard.add("step");
                drafted[0] += count;
                accepted[0] += kept;
                drift[0] += stepDrift;
                Arrays.stream(draft, 0, kept).forEach(expected::add);
            }

            private final List<Integer> expected = new ArrayList<>();

            @Override
            public void decided(int position, int token) {
                heard.add("token");
                tokens.add(token);
                if (!expected.isEmpty()) {
                    assertThat(token).isEqualTo(expected.remove(0));
                }
            }
        };
        try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), drafter("model"), options)) {
            Ticket ticket = decoder.submit(request(1), listener);
            assertThat(heard).isEmpty();
            while (decoder.step()) {}
            Result result = ticket.result().join();
            assertThat(heard.subList(0, 3)).containsExactly("begun", "step", "token");
            assertThat(heard.stream().filter("step"::equals)).hasSize(result.steps());
            assertThat(drafted[0]).isEqualTo(result.drafted()).isPositive();
            assertThat(accepted[0]).isEqualTo(result.accepted()).isPositive();
            assertThat(drift[0]).isEqualTo(result.drift());
            assertThat(tokens).hasSize(result.tokens().length);
        }
    }

    @Test
    void aWayThatDoesNotFitIsRefusedOrEndsItsRequestOnly() {
        try (Decoder<Integer> decoder = new Decoder<>(
                new PrefixTarget(VOCAB, 2),
                Drafter.coupled(),
                DecoderOptions.of(4).slots(2))) {
            DecoderOptions longer = DecoderOptions.of(5);
            assertThatThrownBy(() -> decoder.submit(request(0), longer, Listener.NONE))
                    .hasMessageContaining("draftLength is 5, the decoder's is 4");
            DecoderOptions other = DecoderOptions.of(3).schedule(Schedule.explicit(1, 2));
            assertThatThrownBy(() -> decoder.submit(request(0), other, Listener.NONE))
                    .hasMessageContaining("draftLength is 3, the schedule has 2 factors");
            Ticket block =
                    decoder.submit(request(0), DecoderOptions.of(4).acceptance(Acceptance.block()), Listener.NONE);
            Ticket token = decoder.submit(request(1), DecoderOptions.of(2), Listener.NONE);
            Ticket plain =
                    decoder.submit(request(2), DecoderOptions.of(0).acceptance(Acceptance.block()), Listener.NONE);
            while (decoder.step()) {}
            assertThatThrownBy(() -> block.result().join()).hasMessageContaining("coupled drafts are verified token");
            assertThat(token.result().join().drafted()).isPositive();
            assertThat(plain.result().join().steps()).isEqualTo(request(2).length());
        }
    }

    /** One that waits for a slot is over in the next step, though no slot is free. */
    @Test
    void whatIsCancelledWhileItWaitsWaitsNoLonger() {
        try (Decoder<Integer> decoder =
                new Decoder<>(new PrefixTarget(VOCAB, 2), Drafter.none(), DecoderOptions.of(0))) {
            Ticket running = decoder.submit(request(0));
            Ticket waiting = decoder.submit(request(1));
            decoder.step();
            waiting.cancel();
            decoder.step();
            assertThat(running.result()).isNotDone();
            assertThatThrownBy(() -> waiting.result().get()).isInstanceOf(CancellationException.class);
        }
    }
}
