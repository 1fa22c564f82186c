package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The examples of docs/operation.md are the files that are compiled and run. */
class OperationExampleTest {
    /** One step from another engine's logits: a draft of two tokens is sampled and verified. */
    static List<Integer> step(float[] target, float[] draft) {
        // example
        var sampling = Sampling.of().topP(0.95f);
        var spec = VerifierSpec.of(8, Schedule.explicit(1.5, 1).draftLength(2), sampling)
                .report(VerifierSpec.Report.DRIFT);
        List<Integer> tokens = new ArrayList<>();
        try (var verifier = Verifier.open(Backend.cpu(), spec)) {
            Step step = verifier.step(1);
            step.begin(0, 7, 100); // the request's seed, the position of the first draft token
            Logits rows = Logits.copyOf(draft, 2, 8); // or Logits.at(address, ...): nothing is copied
            for (int i = 0; i < 2; i++) {
                step.sampleDraft(rows.row(i));
            }
            step.verify(Logits.copyOf(target, 3, 8), rows);
            Verdict verdict = step.verdict(0);
            for (int i = 0; i < verdict.length(); i++) {
                tokens.add(verdict.token(i));
            }
        }
        // end of example
        return tokens;
    }

    @Test
    void bothLanguagesDrawTheSameTokens() throws Exception {
        float[] draft = {0, 1, 2, 3, 2, 1, 0, -1, /**/ 3, 2, 1, 0, 0, 1, 2, 3};
        float[] target = {0, 1, 2, 3, 3, 1, 0, -1, /**/ 3, 2, 1, 0, 0, 1, 2, 2, /**/ 1, 1, 1, 1, 1, 1, 1, 1};
        Process c = new ProcessBuilder("../../build/release/coolsd_example").start();
        String printed = new String(c.getInputStream().readAllBytes());
        assertThat(c.waitFor()).isZero();
        assertThat(step(target, draft))
                .hasSizeBetween(1, 3)
                .isEqualTo(printed.lines().map(Integer::valueOf).toList());
    }

    @Test
    void theDocumentShowsTheFiles() throws Exception {
        String page = Files.readString(Path.of("../../docs/operation.md"));
        assertThat(page).contains(Files.readString(Path.of("../../examples/c/step.c")));
        String source = Files.readString(Path.of("src/test/java/org/coolsd/OperationExampleTest.java"));
        String example = source.split("// example\\n")[1].split(" *// end of example")[0];
        assertThat(page).contains(example.stripTrailing().stripIndent());
    }
}
