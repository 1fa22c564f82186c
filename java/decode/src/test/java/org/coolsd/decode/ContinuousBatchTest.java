package org.coolsd.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.coolsd.Acceptance;
import org.coolsd.CoolsdException;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContinuousBatchTest {
    private static final int VOCAB = 20;
    private static final int LENGTH = 30;

    private static Drafter<Integer> drafter(String name) {
        return switch (name) {
            case "model" -> new PrefixDrafter(new PrefixTarget(VOCAB, 2));
            case "jacobi" -> Drafter.jacobi();
            case "coupled" -> Drafter.coupled();
            case "lookup" -> Drafter.lookup(1);
            default -> Drafter.none();
        };
    }

    /** Requests of many kinds: conditions, seeds, samplings and lengths of their own. */
    private static List<Request<Integer>> requests() {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            Sampling sampling = Sampling.of().temperature(0.5f + 0.1f * i).topK(i % 3 == 0 ? 0 : 5 + i);
            requests.add(Request.of(i, 100 + i, i % 4 == 1 ? sampling.window(2, 15) : sampling, LENGTH - i));
        }
        return requests;
    }

    private static DecoderOptions options(String rule) {
        return DecoderOptions.of(4)
                .schedule(Schedule.exponential(1.1))
                .acceptance(rule.equals("block") ? Acceptance.block() : Acceptance.token())
                .drift(true);
    }

    private static void assertSame(Result result, Result other) {
        assertThat(result.tokens()).isEqualTo(other.tokens());
        assertThat(result.steps()).isEqualTo(other.steps());
        assertThat(result.accepted()).isEqualTo(other.accepted());
        assertThat(result.drift()).isEqualTo(other.drift());
    }

    @ParameterizedTest
    @CsvSource({
        "model,token",
        "model,block",
        "jacobi,token",
        "jacobi,block",
        "coupled,token",
        "lookup,token",
        "lookup,block",
        "none,token"
    })
    void aRequestHasTheSameResultAloneAndInAnyBatch(String drafter, String rule) {
        List<Result> alone;
        try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), drafter(drafter), options(rule))) {
            alone = decoder.decode(requests());
        }
        for (int slots : new int[] {2, 5, 12}) {
            DecoderOptions options = options(rule).slots(slots);
            try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), drafter(drafter), options)) {
                List<Result> together = decoder.decode(requests());
                for (int i = 0; i < alone.size(); i++) {
                    assertSame(together.get(i), alone.get(i));
                    assertThat(together.get(i).tokens()).hasSize(LENGTH - i);
                }
            }
        }
    }

    /** Guidance without an unconditional branch would be left out in silence. */
    @Test
    void guidanceThatTheSessionHasNoBranchForEndsItsRequest() {
        try (Decoder<Integer> decoder = new Decoder<>(
                new PrefixTarget(VOCAB, 2),
                Drafter.jacobi(),
                DecoderOptions.of(4).slots(2))) {
            Ticket guided = decoder.submit(Request.of(0, 1, Sampling.of().guidance(2), LENGTH));
            Ticket plain = decoder.submit(Request.of(0, 1, Sampling.of(), LENGTH));
            while (decoder.step()) {
                assertThat(plain.result()).isNotCompletedExceptionally();
            }
            assertThatThrownBy(() -> guided.result().join())
                    .hasMessageContaining("guidance is 2.0, but the target's session has no unconditional branch");
            assertThat(plain.result().join().tokens()).hasSize(LENGTH);
        }
    }

    @Test
    void onePassServesTheWholeBatch() {
        PrefixTarget model = new PrefixTarget(VOCAB, 2);
        try (Decoder<Integer> decoder =
                new Decoder<>(model, Drafter.none(), DecoderOptions.of(4).slots(12))) {
            decoder.decode(requests());
        }
        assertThat(model.passes).isEqualTo(LENGTH);
    }

    @Test
    void lookedUpTokensThatRepeatAreAccepted() {
        PrefixTarget model = new PrefixTarget(VOCAB, 1) {
            @Override
            synchronized float[] row(List<Integer> tokens) {
                float[] row = new float[vocab];
                row[tokens.size() % 3] = 30;
                return row;
            }
        };
        try (Decoder<Integer> decoder = new Decoder<>(model, Drafter.lookup(2), DecoderOptions.of(4))) {
            Result result =
                    decoder.decode(List.of(Request.of(0, 1, Sampling.of(), 40))).get(0);
            assertThat(result.accepted()).isEqualTo(result.drafted()).isGreaterThanOrEqualTo(24);
        }
    }

    @Test
    void requestsEnterAndLeaveFromSeveralThreads() throws Exception {
        List<Result> alone;
        try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), Drafter.jacobi(), options("token"))) {
            alone = decoder.decode(requests());
        }
        DecoderOptions options = options("token").slots(3);
        try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), Drafter.jacobi(), options)) {
            ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();
            List<Thread> threads = new ArrayList<>();
            CountDownLatch left = new CountDownLatch(4);
            for (int t = 0; t < 4; t++) {
                Thread thread = new Thread(() -> {
                    try {
                        for (int round = 0; round < 5; round++) {
                            for (int i = 0; i < alone.size(); i++) {
                                assertSame(
                                        decoder.submit(requests().get(i))
                                                .result()
                                                .get(),
                                        alone.get(i));
                            }
                        }
                    } catch (Throwable e) {
                        wrong.add(e);
                    } finally {
                        left.countDown();
                    }
                });
                threads.add(thread);
                thread.start();
            }
            while (left.getCount() > 0) {
                if (!decoder.step()) {
                    Thread.onSpinWait();
                }
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(wrong).isEmpty();
        }
    }

    @Test
    void aListenerHearsEveryTokenOnceInOrder() {
        List<Integer> heard = new ArrayList<>();
        try (Decoder<Integer> decoder = new Decoder<>(
                new PrefixTarget(VOCAB, 2, position -> position % 7 == 3 ? Window.forced(4) : Window.ALL),
                Drafter.jacobi(),
                options("block"))) {
            Ticket ticket = decoder.submit(requests().get(0), (position, token) -> {
                assertThat(position).isEqualTo(heard.size());
                heard.add(token);
            });
            while (decoder.step()) {}
            Result result = ticket.result().join();
            assertThat(Arrays.stream(result.tokens()).boxed()).isEqualTo(heard);
            assertThat(result.forced()).isEqualTo(4);
            assertThat(result.acceptedLength()).isEqualTo((LENGTH - 4.0) / result.steps());
        }
    }

    /** Four requests side by side; what happens to the second is none of the others' business. */
    private static void assertOthersUnharmed(
            Request<Integer> second, Listener listener, Class<? extends Throwable> type, String message) {
        List<Result> alone;
        try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), drafter("model"), options("token"))) {
            alone = decoder.decode(requests());
        }
        DecoderOptions options = options("token").slots(4);
        try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 2), drafter("model"), options)) {
            List<Ticket> tickets = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                tickets.add(
                        i == 1
                                ? decoder.submit(second, listener)
                                : decoder.submit(requests().get(i)));
            }
            while (decoder.step()) {}
            for (int i = 0; i < 8; i++) {
                if (i != 1) {
                    assertSame(tickets.get(i).result().join(), alone.get(i));
                }
            }
            assertThatThrownBy(() -> tickets.get(1).result().get())
                    .hasCauseInstanceOf(type)
                    .hasMessageContaining(message);
        }
    }

    @Test
    void notANumberEndsItsRequestOnly() {
        Request<Integer> poisoned = Request.of(PrefixTarget.POISON, 7, Sampling.of(), LENGTH);
        assertOthersUnharmed(poisoned, Listener.NONE, CoolsdException.class, "NAN");
    }

    @Test
    void aListenerThatThrowsEndsItsRequestOnly() {
        Listener thrower = (position, token) -> {
            if (position == 5) {
                throw new IllegalArgumentException("position 5 is unwelcome");
            }
        };
        assertOthersUnharmed(requests().get(1), thrower, IllegalArgumentException.class, "position 5 is unwelcome");
    }

    @Test
    void aConditionThatIsRefusedEndsItsRequestOnly() {
        Request<Integer> refused = Request.of(-1, 7, Sampling.of(), LENGTH);
        assertOthersUnharmed(refused, Listener.NONE, IllegalArgumentException.class, "condition is -1");
    }

    @Test
    void aSamplingThatDoesNotFitEndsItsRequestOnly() {
        Request<Integer> wide = Request.of(1, 7, Sampling.of().window(0, VOCAB + 1), LENGTH);
        assertOthersUnharmed(wide, Listener.NONE, CoolsdException.class, "SAMPLING");
    }

    @Test
    void cancellationEndsItsRequestOnly() throws Exception {
        AtomicReference<Ticket> own = new AtomicReference<>();
        try (Decoder<Integer> decoder = new Decoder<>(
                new PrefixTarget(VOCAB, 2), Drafter.jacobi(), options("token").slots(2))) {
            List<Integer> heard = new ArrayList<>();
            own.set(decoder.submit(requests().get(0), (position, token) -> {
                heard.add(token);
                own.get().cancel();
            }));
            Ticket waiting = decoder.submit(requests().get(3));
            Ticket other = decoder.submit(requests().get(2));
            waiting.cancel();
            while (decoder.step()) {}
            assertThatThrownBy(() -> own.get().result().get()).isInstanceOf(CancellationException.class);
            assertThatThrownBy(() -> waiting.result().get()).isInstanceOf(CancellationException.class);
            assertThat(heard).hasSizeBetween(1, 5);
            assertThat(other.result().get().tokens()).hasSize(LENGTH - 2);
        }
    }

    @Test
    void aPassThatFailsEndsItsRequestsAndTheDecoderGoesOn() {
        PrefixTarget model = new PrefixTarget(VOCAB, 2) {
            @Override
            synchronized float[] row(List<Integer> tokens) {
                if (tokens.get(0) == 99 && tokens.size() > 4) {
                    throw new IllegalStateException("out of memory");
                }
                return super.row(tokens);
            }
        };
        try (Decoder<Integer> decoder =
                new Decoder<>(model, Drafter.none(), DecoderOptions.of(0).slots(2))) {
            Ticket bad = decoder.submit(Request.of(99, 1, Sampling.of(), LENGTH));
            Ticket beside = decoder.submit(Request.of(1, 1, Sampling.of(), LENGTH));
            Ticket later = decoder.submit(Request.of(1, 1, Sampling.of(), LENGTH));
            while (decoder.step()) {}
            assertThatThrownBy(() -> bad.result().join()).hasMessageContaining("out of memory");
            assertThatThrownBy(() -> beside.result().join()).hasMessageContaining("out of memory");
            assertThat(later.result().join().tokens()).hasSize(LENGTH);
        }
    }

    @Test
    void closingDuringAStepIsRefusedAndThenEndsWhatIsLeft() {
        PrefixTarget model = new PrefixTarget(VOCAB, 2);
        Decoder<Integer> decoder = new Decoder<>(model, Drafter.coupled(), options("token"));
        Ticket closer = decoder.submit(requests().get(0), (position, token) -> decoder.close());
        Ticket stepper = decoder.submit(requests().get(1), (position, token) -> decoder.step());
        Ticket running = decoder.submit(requests().get(2));
        Ticket waiting = decoder.submit(requests().get(3));
        decoder.step();
        decoder.step();
        decoder.step();
        assertThatThrownBy(() -> closer.result().join())
                .isInstanceOf(CompletionException.class)
                .hasMessageContaining("the decoder was to be closed while in use");
        assertThatThrownBy(() -> stepper.result().join()).hasMessageContaining("the decoder is in use");
        decoder.close();
        decoder.close();
        assertThatThrownBy(() -> running.result().join()).hasMessageContaining("the decoder is closed");
        assertThatThrownBy(() -> waiting.result().join()).hasMessageContaining("the decoder is closed");
        assertThatThrownBy(() -> decoder.submit(requests().get(0))).hasMessage("the decoder is closed");
        assertThatThrownBy(decoder::step).hasMessage("the decoder is closed");
    }

    @Test
    void aBudgetForTheSequenceIsNotExceededAndLeftoversAreSpent() {
        double whole = 2;
        double perSequence = 0;
        double perToken = 0;
        List<Request<Integer>> requests = requests();
        DecoderOptions options = options("token").slots(4);
        try (Decoder<Integer> carried = new Decoder<>(
                        new PrefixTarget(VOCAB, 2),
                        drafter("model"),
                        options.factors(FactorPolicy.budgetPerSequence(whole)));
                Decoder<Integer> fixed = new Decoder<>(
                        new PrefixTarget(VOCAB, 2),
                        drafter("model"),
                        options.schedule(Schedule.budget(whole / LENGTH)))) {
            for (Result result : carried.decode(requests)) {
                assertThat(result.drift()).isLessThanOrEqualTo(whole + 1e-6);
                perSequence += result.drift();
            }
            for (Result result : fixed.decode(requests)) {
                perToken += result.drift();
            }
        }
        assertThat(perSequence).isGreaterThan(1.2 * perToken);
    }

    @Test
    void adaptiveDraftsAreShorterAndMoreOftenAccepted() {
        DecoderOptions options = options("token").slots(4);
        double[] shares = new double[2];
        int[] drafted = new int[2];
        for (int i = 0; i < 2; i++) {
            DraftPolicy policy = i == 0 ? DraftPolicy.fixed() : DraftPolicy.adaptive(0.5);
            PrefixTarget model = new PrefixTarget(VOCAB, 2);
            try (Decoder<Integer> decoder = new Decoder<>(model, drafter("model"), options.drafts(policy))) {
                List<Result> results = decoder.decode(requests());
                drafted[i] = results.stream().mapToInt(Result::drafted).sum();
                shares[i] = results.stream().mapToInt(Result::accepted).sum() / (double) drafted[i];
            }
        }
        assertThat(drafted[1]).isLessThan(drafted[0]);
        assertThat(shares[1]).isGreaterThan(shares[0]);
    }

    @Test
    void aDrafterThatFailsToOpenLeavesNothingOpen() {
        AtomicReference<PrefixTarget.Session> opened = new AtomicReference<>();
        PrefixTarget model = new PrefixTarget(VOCAB, 2) {
            @Override
            public Session open(int slots, int longestRun) {
                opened.set(super.open(slots, longestRun));
                return opened.get();
            }
        };
        DecoderOptions block = options("block");
        assertThatThrownBy(() -> new Decoder<>(model, Drafter.coupled(), block)).hasMessageContaining("coupled");
        assertThat(opened.get().closed).isTrue();
        try (Decoder<Integer> decoder = new Decoder<>(model, Drafter.jacobi(), block)) {
            decoder.decode(requests().subList(0, 1));
            assertThat(opened.get().closed).isFalse();
        }
        assertThat(opened.get().closed).isTrue();
    }

    @Test
    void rowsOfAWindowAreNotDrawnFromInAnother() {
        // The model says -inf to what it does not allow: tokens below 10 and above it take turns, three positions each.
        PrefixTarget model =
                new PrefixTarget(VOCAB, 2, position -> position / 3 % 2 == 0 ? new Window(0, 10) : new Window(10, 20)) {
                    @Override
                    synchronized float[] row(List<Integer> tokens) {
                        float[] row = super.row(tokens).clone();
                        int masked = (tokens.size() - 1) / 3 % 2 == 0 ? 10 : 0;
                        Arrays.fill(row, masked, masked + 10, Float.NEGATIVE_INFINITY);
                        return row;
                    }
                };
        for (Drafter<Integer> drafter :
                List.of(Drafter.<Integer>jacobi(), Drafter.<Integer>coupled(), Drafter.<Integer>lookup(1))) {
            try (Decoder<Integer> decoder = new Decoder<>(model, drafter, DecoderOptions.of(4))) {
                int[] tokens = decoder.decode(List.of(Request.of(1, 1, Sampling.of(), 60)))
                        .get(0)
                        .tokens();
                for (int i = 0; i < 60; i++) {
                    assertThat(tokens[i] / 10).as("position %d", i).isEqualTo(i / 3 % 2);
                }
            }
        }
    }

    @Test
    void whatIsOutOfRangeIsNamedWithItsValue() {
        assertThatThrownBy(() -> new Window(3, 3)).hasMessageContaining("window is [3, 3)");
        assertThatThrownBy(() -> DecoderOptions.of(4).slots(0)).hasMessageContaining("slots is 0");
        assertThatThrownBy(() -> DraftPolicy.adaptive(1.5)).hasMessageContaining("reach is 1.5");
        assertThatThrownBy(() -> Drafter.lookup(0)).hasMessageContaining("length is 0");
        assertThatThrownBy(() -> Request.of(1, 1, Sampling.of(), 0)).hasMessageContaining("length is 0");
        Request<Integer> narrow = Request.of(1, 7, Sampling.of().window(0, 3), LENGTH);
        PrefixTarget model = new PrefixTarget(VOCAB, 2, position -> new Window(5, 9));
        try (Decoder<Integer> decoder = new Decoder<>(model, Drafter.none(), options("token"))) {
            assertThatThrownBy(() -> decoder.decode(List.of(narrow)))
                    .hasMessageContaining("the model allows [5, 9), which has no token of the request's window [0, 3)");
        }
    }
}
