package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Native memory is freed once, by whom it belongs to, and never while it is read. */
class LifetimeTest {
    private static final int VOCAB = 64;
    private static final VerifierSpec SPEC = VerifierSpec.builder(VOCAB)
            .drafts(Schedule.exponential(1.1).draftLength(3))
            .report(VerifierSpec.Report.values())
            .build();

    private static Logits rows(int rows) {
        return Logits.copyOf(new float[rows * VOCAB], rows, VOCAB);
    }

    /** Temporaries beside a collecting thread; -Dcoolsd.test.stress=30 for that many seconds and at least 2000 calls. */
    @Test
    void temporariesLiveUntilTheCallHasReturned() throws Exception {
        String seconds = System.getProperty("coolsd.test.stress", "0");
        String calls = seconds.equals("0") ? "500" : "2000";
        var result = ForkedJvm.run(
                CollectorStress.class,
                ForkedJvm.classes(),
                List.of("-Xmx48m", "-XX:MaxDirectMemorySize=96m", "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"),
                calls,
                seconds);
        System.out.print(result.text());
        assertThat(result.text()).matches("(?s).*\\d{3,} calls, 0 wrong\\R");
        assertThat(result.exitCode()).isZero();
    }

    private static final Map<Class<?>, Object> ARGUMENTS = Map.ofEntries(
            Map.entry(int.class, 0),
            Map.entry(long.class, 0L),
            Map.entry(int[].class, new int[0]),
            Map.entry(float[].class, new float[VOCAB]),
            Map.entry(short[].class, new short[VOCAB]),
            Map.entry(Sampling.class, Sampling.of()),
            Map.entry(Purpose.class, Purpose.DRAFT),
            Map.entry(Logits[].class, new Logits[0]));

    private static final Set<String> ALWAYS = Set.of("close", "toString", "equals", "hashCode");

    private static void everyMethodThrows(Object closed, String message) throws Exception {
        int called = 0;
        for (Method method : closed.getClass().getDeclaredMethods()) {
            if (!Modifier.isPublic(method.getModifiers())
                    || Modifier.isStatic(method.getModifiers())
                    || ALWAYS.contains(method.getName())) {
                continue;
            }
            Object[] arguments = Arrays.stream(method.getParameterTypes())
                    .map(type -> type == Logits.class ? rows(4) : ARGUMENTS.get(type))
                    .toArray();
            assertThatThrownBy(() -> {
                        try {
                            method.invoke(closed, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    })
                    .as(method.toString())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(message);
            called++;
        }
        assertThat(called).isGreaterThan(4);
    }

    @Test
    void closedObjectsThrowEverywhere() throws Exception {
        Verifier verifier = Verifier.open(Backend.cpu(), SPEC);
        Step step = verifier.step(1);
        step.begin(0, 1, 1);
        step.verify(rows(1), null);
        Verdict verdict = step.verdict(0);
        assertThat(verdict.length()).isEqualTo(1);
        step.close();
        step.close();
        everyMethodThrows(step, "the step is closed");
        everyMethodThrows(verdict, "the step is closed");
        // The verifier is none the worse for it.
        Step another = verifier.step(1);
        another.begin(0, 1, 1);
        another.verify(rows(1), null);
        Verdict single = verifier.verify(rows(1), null, new int[0], 1, 1);
        assertThat(single.length()).isEqualTo(1);
        verifier.close();
        verifier.close();
        everyMethodThrows(verifier, "the verifier is closed");
        everyMethodThrows(another, "the verifier is closed");
        everyMethodThrows(single, "the verifier is closed");
        another.close();
        LogitsBuffer buffer = LogitsBuffer.guided(Logits.Type.F16, 1, VOCAB);
        buffer.close();
        buffer.close();
        everyMethodThrows(buffer, "the logits buffer is closed");
    }

    /** Rows so many and so long that a call takes a while; all sequences read the same ones. */
    private static final int LONG_VOCAB = 1 << 20;

    private static final int MANY = 64;

    private static VerifierSpec longSpec() {
        return VerifierSpec.builder(LONG_VOCAB).build();
    }

    /** Calls until told to stop, or until something is thrown. */
    private static Future<?> verifying(ExecutorService executor, Step step, Logits rows, AtomicBoolean stop) {
        return executor.submit(() -> {
            while (!stop.get()) {
                for (int slot = 0; slot < MANY; slot++) {
                    step.begin(slot, slot, 0);
                    step.target(slot, rows);
                }
                step.verify();
            }
            return null;
        });
    }

    @Test
    void closingDuringACallIsRefused() throws Exception {
        Logits memory = Logits.copyOf(new float[LONG_VOCAB], 1, LONG_VOCAB);
        Set<String> seen = new HashSet<>();
        // A call can end between being seen and being closed on, however unlikely that is: then the next object is
        // tried.
        for (int attempt = 0; attempt < 60 && seen.size() < 3; attempt++) {
            try (LogitsBuffer buffer = LogitsBuffer.of(Logits.Type.F32, 1, LONG_VOCAB);
                    Verifier verifier = Verifier.open(Backend.cpu(), longSpec())) {
                Step step = verifier.step(MANY);
                AutoCloseable closed = List.of(verifier, step, buffer).get(attempt % 3);
                Logits rows = closed == buffer ? buffer.logits(1) : memory;
                IllegalStateException refused = closeDuringACall(step, rows, closed);
                if (refused != null) {
                    seen.add(refused.getMessage());
                }
            }
        }
        assertThat(seen)
                .containsExactlyInAnyOrder(
                        "the verifier was to be closed while in use by another thread",
                        "the step was to be closed while in use by another thread",
                        "the logits buffer was to be closed while in use by another thread");
    }

    /** What was thrown by closing while a call was under way, or null if that came too early or too late. */
    private static IllegalStateException closeDuringACall(Step step, Logits rows, AutoCloseable closed)
            throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        AtomicBoolean stop = new AtomicBoolean();
        Future<?> calls = verifying(executor, step, rows, stop);
        try {
            while (!inUse(step)) {
                assertThat(calls.isDone()).isFalse();
            }
            closed.close();
            return null;
        } catch (IllegalStateException e) {
            return e;
        } finally {
            stop.set(true);
            try {
                calls.get();
            } catch (ExecutionException e) {
                assertThat(e.getCause())
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining(" is closed");
            }
            executor.shutdown();
        }
    }

    private static boolean inUse(Step step) {
        try {
            step.batch();
            return false;
        } catch (IllegalStateException e) {
            assertThat(e).hasMessage("the verifier is in use by another thread");
            return true;
        }
    }

    @Test
    void aSecondThreadIsRefused() throws Exception {
        Logits memory = Logits.copyOf(new float[LONG_VOCAB], 1, LONG_VOCAB);
        ExecutorService executor = Executors.newSingleThreadExecutor();
        try (Verifier verifier = Verifier.open(Backend.cpu(), longSpec())) {
            AtomicBoolean stop = new AtomicBoolean();
            Future<?> calls = verifying(executor, verifier.step(MANY), memory, stop);
            Throwable refused = null;
            while (refused == null) {
                try {
                    verifier.sample(memory, Purpose.BONUS, 1, 1);
                    if (calls.isDone()) {
                        calls.get();
                    }
                } catch (IllegalStateException e) {
                    refused = e;
                } catch (ExecutionException e) {
                    // The other thread was the one that came second.
                    refused = e.getCause();
                }
            }
            stop.set(true);
            executor.shutdown();
            assertThat(executor.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
            assertThat(refused)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the verifier is in use by another thread");
        }
    }

    @Test
    void separateVerifiersAreIndependent() throws Exception {
        ExecutorService executor = Executors.newFixedThreadPool(2);
        List<Integer> alone = tokens(2000);
        Callable<List<Integer>> some = () -> tokens(2000);
        for (Future<List<Integer>> tokens : executor.invokeAll(List.of(some, some))) {
            assertThat(tokens.get()).isEqualTo(alone);
        }
        executor.shutdown();
    }

    private static List<Integer> tokens(int calls) {
        List<Integer> tokens = new ArrayList<>();
        Logits target = rows(3);
        Logits draft = rows(2);
        try (Verifier verifier = Verifier.open(Backend.cpu(), SPEC)) {
            for (int seed = 0; seed < calls; seed++) {
                Verdict verdict = verifier.verify(target, draft, new int[] {1, 2}, seed, 0);
                for (int i = 0; i < verdict.length(); i++) {
                    tokens.add(verdict.token(i));
                }
            }
        }
        return tokens;
    }

    /** Closed, forgotten or refused: what a cycle leaves behind, a thousand of them show. */
    @Test
    void aThousandVerifiersLeaveNothingBehind() throws Exception {
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/statm")), "Linux only");
        // The heap is all there from the start and the code is interpreted, so that memory grows by what is native
        // only.
        List<String> options = List.of(
                "-Xint",
                "-Xms32m",
                "-Xmx32m",
                "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC",
                "-XX:MaxDirectMemorySize=4m",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0");
        var result = ForkedJvm.run(OpenAndClose.class, ForkedJvm.classes(), options);
        System.out.print(result.text());
        assertThat(result.exitCode()).as(result.text()).isZero();
        assertThat(result.text()).hasLineCount(3);
        for (String line : result.text().lines().toList()) {
            long bytes = Long.parseLong(line.replaceAll(".*grown by (-?\\d+) bytes", "$1"));
            // A kilobyte left in each cycle would be 1 MB.
            assertThat(bytes).as(line).isLessThan(1_000_000);
        }
    }

    /** What nobody closes is closed by the collector. */
    @Test
    void forgottenOnesAreFreed() throws Exception {
        AtomicBoolean freed = new AtomicBoolean();
        WeakReference<Object> forgotten = forgotten(freed);
        for (int n = 0; n < 200 && !freed.get(); n++) {
            System.gc();
            Thread.sleep(10);
        }
        assertThat(forgotten.get()).isNull();
        assertThat(freed).isTrue();
        WeakReference<Verifier> verifier = new WeakReference<>(Verifier.open(Backend.cpu(), SPEC));
        for (int n = 0; n < 200 && verifier.get() != null; n++) {
            System.gc();
            Thread.sleep(10);
        }
        assertThat(verifier.get()).isNull();
    }

    private static WeakReference<Object> forgotten(AtomicBoolean freed) {
        Object owner = new Object();
        Guard guard = new Guard(owner, "the owner", () -> freed.set(true));
        guard.enter();
        guard.exit();
        return new WeakReference<>(owner);
    }

    @Test
    void theGuardCountsThoseWhoShare() {
        AtomicBoolean freed = new AtomicBoolean();
        Guard guard = new Guard(this, "the thing", () -> freed.set(true));
        guard.share();
        guard.share();
        assertThatThrownBy(guard::enter).hasMessage("the thing is in use by another thread");
        guard.unshare();
        assertThatThrownBy(guard::close).hasMessage("the thing was to be closed while in use by another thread");
        assertThat(freed).isFalse();
        guard.require();
        guard.unshare();
        guard.enter();
        assertThatThrownBy(guard::share).hasMessage("the thing is in use by another thread");
        assertThatThrownBy(guard::require).hasMessage("the thing is in use by another thread");
        guard.exit();
        assertThat(guard.close()).isTrue();
        assertThat(freed).isTrue();
        assertThat(guard.close()).isFalse();
        assertThat(guard.isClosed()).isTrue();
        assertThatThrownBy(guard::share).hasMessage("the thing is closed");
        assertThat(guard).hasToString("the thing");
    }
}
