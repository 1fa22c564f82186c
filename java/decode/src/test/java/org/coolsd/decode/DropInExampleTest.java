package org.coolsd.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Sampling;
import org.junit.jupiter.api.Test;

/** The example of docs/drop-in.md: what stands there is what runs here. */
class DropInExampleTest {
    private static final String START = "// example";
    private static final String END = "// end of example";

    /** An engine that has nothing but a forward pass over arrays. */
    private static float[] forward(List<Integer> tokens) {
        return new PrefixTarget(16, 2).row(tokens);
    }

    // example
    record Engine(int vocab) implements TargetModel<Integer> {
        @Override
        public TargetSession<Integer> open(int slots, int longestRun) {
            LogitsBuffer logits = LogitsBuffer.of(Logits.Type.F32, slots * (longestRun + 1), vocab);
            int[] rows = new int[slots];
            List<List<Integer>> tokens = new ArrayList<>();
            for (int slot = 0; slot < slots; slot++) tokens.add(new ArrayList<>());
            return new TargetSession<>() {
                public int begin(int slot, Integer condition) {
                    tokens.set(slot, new ArrayList<>(List.of(condition)));
                    return 1;
                }

                public void score(Runs runs) {
                    for (int k = 0; k < runs.count(); k++) {
                        List<Integer> chain = new ArrayList<>(tokens.get(runs.slot(k)));
                        rows[runs.slot(k)] = runs.length(k) + 1;
                        for (int i = 0; i <= runs.length(k); i++) {
                            logits.put(runs.slot(k) * (longestRun + 1) + i, forward(chain));
                            if (i < runs.length(k)) chain.add(runs.token(k, i));
                        }
                    }
                }

                public Logits logits(int slot) {
                    return logits.logits(slot * (longestRun + 1), rows[slot]);
                }

                public void commit(int slot, int[] accepted, int count, int kept) {
                    for (int i = 0; i < count; i++) tokens.get(slot).add(accepted[i]);
                }

                public void close() {
                    logits.close();
                }
            };
        }
    }

    static int[] generate(int condition, long seed, int length) {
        try (var decoder = new Decoder<>(new Engine(16), Drafter.jacobi(), DecoderOptions.of(4))) {
            return decoder.decode(List.of(Request.of(condition, seed, Sampling.of(), length)))
                    .get(0)
                    .tokens();
        }
    }
    // end of example

    @Test
    void itDecodes() {
        assertThat(generate(3, 1, 50)).hasSize(50).isEqualTo(generate(3, 1, 50)).isNotEqualTo(generate(3, 2, 50));
    }

    @Test
    void theGuideShowsWhatRuns() throws Exception {
        Path source = Path.of("src/test/java/org/coolsd/decode/DropInExampleTest.java");
        String example =
                between(Files.readString(source), "    " + START + "\n", END).stripIndent();
        String guide = Files.readString(Path.of("../../docs/drop-in.md"));
        assertThat(between(guide, "```java\n", "```")).isEqualTo(example);
    }

    private static String between(String text, String start, String end) {
        int from = text.indexOf(start) + start.length();
        return text.substring(from, text.indexOf(end, from));
    }
}
