package org.coolsd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** Opens and closes, and prints by how much the process has grown. Run in a JVM of its own with a fixed heap. */
final class OpenAndClose {
    private static final int CYCLES = 1000;
    private static final int ROUNDS = 4;
    private static final int VOCAB = 16_384;

    private OpenAndClose() {}

    /** A line each of what is closed, what is forgotten and what is refused. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Logits target = Logits.copyOf(new float[2 * VOCAB], 2, VOCAB);
        VerifierSpec spec = VerifierSpec.builder(VOCAB)
                .drafts(Schedule.lossless().draftLength(1))
                .sampling(Sampling.of().topK(100))
                .build();
        report("opened, decoded a step, closed", () -> step(spec, target));
        report("forgotten", () -> forget(spec));
        // The library refuses LANTERN with a factor that is not 1.
        VerifierSpec refused = VerifierSpec.builder(2048)
                .drafts(Schedule.uniform(2).draftLength(64))
                .acceptance(Lantern.of(NeighbourTable.nearest(new float[2048], 1, 3), 0.1))
                .build();
        report("refused", () -> refuse(refused));
    }

    /** What leaks grows in every round; what the collector has not freed yet does not. */
    private static void report(String what, Runnable cycle) throws IOException, InterruptedException {
        long least = Long.MAX_VALUE;
        long before = 0;
        for (int round = 0; round <= ROUNDS; round++) {
            for (int n = 0; n < CYCLES; n++) {
                cycle.run();
            }
            long now = resident();
            if (round > 0) {
                least = Math.min(least, now - before);
            }
            before = now;
        }
        System.out.println(CYCLES + " times " + what + ": grown by " + least + " bytes");
    }

    private static void step(VerifierSpec spec, Logits target) {
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec);
                Step step = verifier.step(4);
                LogitsBuffer buffer = LogitsBuffer.of(Logits.Type.F32, 1, VOCAB)) {
            for (int slot = 0; slot < 4; slot++) {
                step.begin(slot, slot, 0);
                step.target(slot, target);
                step.draft(slot, buffer.logits(1));
            }
            step.sampleDraft(new int[] {2}, 1, buffer.logits(1));
            step.verify();
            if (step.verdict(2).status() != Status.OK) {
                throw new AssertionError(step.verdict(2).status());
            }
        }
    }

    private static int opened;

    /** Leaves a verifier with a step to the collector, which comes by now and then. */
    private static void forget(VerifierSpec spec) {
        Step step = Verifier.open(Backend.cpu(), spec).step(2);
        step.begin(0, 1, 1);
        if (++opened % 20 == 0) {
            System.gc();
            LockSupport.parkNanos(2_000_000);
        }
    }

    private static void refuse(VerifierSpec spec) {
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            throw new AssertionError("opened " + verifier.spec());
        } catch (CoolsdException e) {
            // As it should be.
        }
    }

    private static long resident() throws IOException, InterruptedException {
        System.gc();
        Thread.sleep(100);
        String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ");
        return Long.parseLong(pages[1]) * 4096;
    }
}
