package org.coolsd;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;

/**
 * Temporaries as arguments beside a thread that allocates and collects: whoever frees logits while they are read gets other
 * tokens, or a crash. Run in a JVM of its own with a small heap: {@code CollectorStress <calls> <seconds>}, at least as many
 * calls and seconds.
 */
final class CollectorStress {
    private static final int VOCAB = 1 << 18;
    private static final int LENGTH = 2;
    private static final int[] DRAFT = {1, 2};

    private CollectorStress() {}

    /** Prints the calls and the wrong ones among them. */
    public static void main(String[] arguments) {
        int calls = Integer.parseInt(arguments[0]);
        long seconds = Long.parseLong(arguments[1]);
        Random random = new Random(3);
        float[] target = values(random, LENGTH + 1);
        float[] draft = values(random, LENGTH);
        float[] other = values(random, LENGTH + 1);
        Thread collector = new Thread(CollectorStress::allocateAndCollect, "collector");
        collector.setDaemon(true);
        collector.start();
        // Normalisers would be none of its business: all rows are read.
        VerifierSpec spec = VerifierSpec.builder(VOCAB)
                .drafts(Schedule.uniform(0).draftLength(LENGTH))
                .sampling(Sampling.of().guidance(1.5f))
                .report(VerifierSpec.Report.DRIFT)
                .build();
        int wrong = 0;
        int made = 0;
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            Logits kept = guided(target, other, LENGTH + 1);
            Logits keptDraft = guided(draft, other, LENGTH);
            int[] tokens = new int[16];
            int[] samples = new int[16];
            for (int seed = 0; seed < tokens.length; seed++) {
                tokens[seed] = verifier.verify(kept, keptDraft, DRAFT, seed, 0).token(0);
                samples[seed] = verifier.sample(kept.row(0), Purpose.BONUS, seed, 5);
            }
            while (made < calls || System.nanoTime() < end) {
                int seed = made % tokens.length;
                int token;
                int expected;
                if (made % 2 == 0) {
                    token = verify(verifier, target, draft, other, seed);
                    expected = tokens[seed];
                } else {
                    token = sample(verifier, target, other, seed);
                    expected = samples[seed];
                }
                wrong += token == expected ? 0 : 1;
                made++;
            }
        }
        System.out.println(made + " calls, " + wrong + " wrong");
    }

    private static int verify(Verifier verifier, float[] target, float[] draft, float[] other, int seed) {
        Verdict verdict =
                verifier.verify(guided(target, other, LENGTH + 1), guided(draft, other, LENGTH), DRAFT, seed, 0);
        return verdict.status() == Status.OK ? verdict.token(0) : -1;
    }

    private static int sample(Verifier verifier, float[] target, float[] other, int seed) {
        return verifier.sample(guided(target, other, LENGTH + 1).row(0), Purpose.BONUS, seed, 5);
    }

    private static Logits guided(float[] conditional, float[] unconditional, int rows) {
        return copy(conditional, rows).guidedBy(copy(unconditional, rows));
    }

    private static Logits copy(float[] values, int rows) {
        return Logits.copyOf(values.length == rows * VOCAB ? values : Arrays.copyOf(values, rows * VOCAB), rows, VOCAB);
    }

    private static float[] values(Random random, int rows) {
        float[] values = new float[rows * VOCAB];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Takes what was freed at once, and fills it with something else. */
    private static void allocateAndCollect() {
        float[] poison = new float[VOCAB];
        Arrays.fill(poison, 77);
        for (int n = 0; ; n++) {
            System.gc();
            for (int rows = 1; rows <= LENGTH + 1; rows++) {
                try {
                    ByteBuffer taken = ByteBuffer.allocateDirect(rows * VOCAB * 4 + 16);
                    taken.order(java.nio.ByteOrder.nativeOrder())
                            .asFloatBuffer()
                            .put(poison);
                } catch (OutOfMemoryError e) {
                    // The other thread has it all just now.
                    Thread.yield();
                }
            }
        }
    }
}
