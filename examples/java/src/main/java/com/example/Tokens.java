package com.example;

import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.Purpose;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verdict;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;

/** One step of speculative decoding over eight tokens: a drafter's token is drawn, and the target says whether it stays. */
public final class Tokens {
    public static void main(String[] args) {
        long seed = 7;
        float[] draft = {0, 1, 2, 3, 2, 1, 0, -1};
        float[] target = {0, 1, 2, 3, 3, 1, 0, -1, /**/ 1, 1, 1, 1, 1, 1, 1, 1};
        VerifierSpec spec = VerifierSpec.of(8, Schedule.lossless().draftLength(1), Sampling.of());
        try (Verifier verifier = Verifier.open(Backend.auto(), spec)) {
            Logits drafted = Logits.copyOf(draft, 1, 8);
            int token = verifier.sample(drafted, Purpose.DRAFT, seed, 0);
            Verdict verdict = verifier.verify(Logits.copyOf(target, 2, 8), drafted, new int[] {token}, seed, 0);
            System.out.println("drafted " + token + ", accepted " + verdict.accepted() + " of 1");
            for (int i = 0; i < verdict.length(); i++) {
                System.out.println("token " + verdict.token(i));
            }
        }
    }
}
