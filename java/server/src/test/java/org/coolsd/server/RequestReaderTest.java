package org.coolsd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.images.Decoding;
import org.coolsd.images.ScheduleName;
import org.coolsd.images.Verification;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestReaderTest {
    private static final Sampling OWN = Sampling.of().guidance(2);
    private static final RequestReader READER = new RequestReader("fashion", ServerOptions.standard(), OWN);

    private static ImageRequest read(String body) throws ApiError {
        return READER.read(body.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void whatIsNotSaidIsTheModelsAndTheCommandLines() throws Exception {
        ImageRequest asked = read("{\"prompt\":\"Bag\",\"n\":null,\"quality\":\"auto\"}");
        assertThat(asked.count()).isEqualTo(1);
        assertThat(asked.decoding()).isEqualTo(Decoding.standard());
        assertThat(asked.sampling()).isEqualTo(OWN);
        assertThat(List.of(asked.stream(), asked.steps())).containsOnly(false);
        assertThat(read("{\"prompt\":\"Bag\"}").seed()).isNotEqualTo(asked.seed());
    }

    @Test
    void everyParameterIsTaken() throws Exception {
        ImageRequest asked =
                read("{\"prompt\":\"Bag\",\"model\":\"fashion\",\"n\":3,\"size\":\"28x30\",\"stream\":true,"
                        + "\"partial_images\":2,\"steps\":true,\"seed\":-5,\"schedule\":\"Linear\",\"delta\":1.4,"
                        + "\"draft_length\":7,\"adaptive\":0.5,\"verification\":\"token\",\"guidance\":1.5,\"temperature\":0.5,"
                        + "\"top_k\":9,\"top_p\":0.5,\"user\":\"u\"}");
        Decoding decoding = Decoding.standard()
                .schedule(ScheduleName.LINEAR)
                .delta(1.4)
                .draftLength(7)
                .reach(0.5)
                .verification(Verification.TOKEN);
        Sampling sampling =
                Sampling.of().guidance(1.5f).temperature(0.5f).topK(9).topP(0.5f);
        assertThat(asked).isEqualTo(new ImageRequest("Bag", 28, 30, 3, -5, decoding, sampling, true, 2, true));
        assertThat(read("{\"prompt\":\"Bag\",\"drift_budget\":2,\"most_factor\":3}")
                        .decoding())
                .isEqualTo(Decoding.standard().driftBudget(2).mostFactor(3));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "n|0|n is 0, it must be an integer of 1..10",
                "n|1.5|n is 1.5, it must be an integer",
                "n|99999999999999999999|n is 99999999999999999999, it must be",
                "seed|true|seed is true, it must be an integer",
                "prompt|7|prompt is 7, it must be a string",
                "prompt|\" \"|the prompt has 0 characters, it must have 1..4000",
                "size|\"28\"|size is '28', it must be WxH in pixels, or auto",
                "size|\"0x28\"|size is '0x28'",
                "response_format|\"url\"|response_format is 'url', this server answers with b64_json only",
                "quality|\"hd\"|quality is \"hd\", this server has one way",
                "stream|1|stream is 1, it must be true or false",
                "steps|true|steps is for streams",
                "partial_images|101|partial_images is 101, it must be an integer of 0..100",
                "partial_images|2|partial_images is for streams",
                "schedule|\"cosine\"|schedule is 'cosine', it must be one of target, lossless, uniform, exponential",
                "schedule|\"budget\"|drift_budget is missing",
                "delta|-1|delta is -1, it must be 0.0..1000.0",
                "delta|\"1\"|delta is \"1\", it must be",
                "delta|1e999|delta is",
                "draft_length|9|draft_length is 9, it must be an integer of 0..8",
                "verification|\"none\"|verification is 'none', it must be block or token",
                "most_factor|2|drift_budget is missing",
                "adaptive|2|adaptive is 2, it must be 0.0..1.0",
                "guidance|101|guidance is 101, it must be 0.0..100.0",
                "temperature|-0.1|temperature is -0.1",
                "top_k|-1|top_k is -1",
                "top_p|0|top_p is 0, it must be",
                "drifft|1|Unknown parameter: 'drifft'; known are adaptive, delta,"
            })
    void aValueThatCannotBeIsNamed(String name, String value, String message) {
        String prompt = name.equals("prompt") ? "" : "\"prompt\":\"Bag\",";
        ApiError error =
                catchThrowableOfType(ApiError.class, () -> read("{" + prompt + "\"" + name + "\":" + value + "}"));
        assertThat(error).hasMessageStartingWith(message);
        assertThat(error.status()).isEqualTo(400);
        assertThat(error.body().get("error").get("param").asText()).isIn(name, "drift_budget");
    }

    @Test
    void whatIsNoObjectIsRefusedInOneShortLine() {
        for (String body : List.of(
                "", "{", "[]", "\"Bag\"", "{\"prompt\":\"a\"} x", "{\"a\":1,\"a\":2}", "\u0000", "{\"\n\":1}")) {
            assertThatThrownBy(() -> read(body))
                    .as(body)
                    .isInstanceOf(ApiError.class)
                    .satisfies(
                            e -> assertThat(e.getMessage()).hasSizeLessThan(400).doesNotContain("\n"));
        }
        assertThatThrownBy(() -> read("{\"prompt\":\"Bag\",\"" + "x".repeat(5000) + "\":1}"))
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(500));
        assertThatThrownBy(() -> read("[".repeat(100_000))).isInstanceOf(ApiError.class);
    }
}
