package org.coolsd.onnxmodels;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.TargetModel;

/** Sequences of a tiny guided model, decoded through an adapter, against the law that its engine's own logits give. */
public final class LawCheck {
    /** The tiny model's sizes. */
    public static final LlamaGenShape TINY = new LlamaGenShape(8, 2, 2, 16, 3, 2, 3);

    private static final int[] PROMPT = {TINY.classId(0), 1};
    private static final int[] NULL_PROMPT = {TINY.classId(2)};
    private static final int LENGTH = 5;
    private static final int SEQUENCES = 6_000;
    private static final float GUIDANCE = 1.5f;

    private final SequenceLaw law;

    /**
     * What came of it.
     *
     * @param excess {@link SequenceLaw#excess}: below 1 if the sequences have the law, with a false alarm once in 10^9
     * @param acceptedLength tokens a pass
     */
    public record Decoded(double excess, double acceptedLength) {}

    /** Adds up the law by passes of the engine over whole sequences. */
    public LawCheck(SequenceLaw.Engine engine) {
        law = new SequenceLaw(engine, TINY.vocab(), LENGTH, PROMPT, NULL_PROMPT, GUIDANCE);
    }

    /** The prompt of the conditional branch; a copy. */
    public static int[] prompt() {
        return PROMPT.clone();
    }

    /** The prompt of the other branch, of another length; a copy. */
    public static int[] nullPrompt() {
        return NULL_PROMPT.clone();
    }

    /** Decodes 6 000 sequences, a hundred side by side, lossless, with drafts of up to 3 tokens. */
    public Decoded decode(TargetModel<Integer> model, Drafter<Integer> drafter, Acceptance acceptance) {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int seed = 0; seed < SEQUENCES; seed++) {
            requests.add(Request.of(0, seed, Sampling.of().guidance(GUIDANCE), LENGTH));
        }
        long[] counts = new long[law.size()];
        double length = 0;
        DecoderOptions options = DecoderOptions.of(3).slots(100).acceptance(acceptance);
        try (Decoder<Integer> decoder = new Decoder<>(model, drafter, options)) {
            for (Result result : decoder.decode(requests)) {
                counts[law.code(result.tokens())]++;
                length += result.acceptedLength() / SEQUENCES;
            }
        }
        return new Decoded(law.excess(counts), length);
    }

    /** The drafters of one name: none, jacobi, coupled, or {@code eagle} for the one that is given. */
    public static Drafter<Integer> drafter(String name, Drafter<Integer> eagle) {
        return switch (name) {
            case "none" -> Drafter.none();
            case "jacobi" -> Drafter.jacobi();
            case "coupled" -> Drafter.coupled();
            case "eagle" -> eagle;
            default -> throw new IllegalArgumentException("no drafter is called " + name);
        };
    }
}
