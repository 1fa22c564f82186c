package org.coolsd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.ObjectMappers;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.images.Image;
import com.openai.models.images.ImageGenCompletedEvent;
import com.openai.models.images.ImageGenPartialImageEvent;
import com.openai.models.images.ImageGenStreamEvent;
import com.openai.models.images.ImageGenerateParams;
import com.openai.models.images.ImagesResponse;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.coolsd.images.Decoding;
import org.coolsd.images.ScheduleName;
import org.coolsd.images.Verification;
import org.coolsd.libtorch.Precision;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** OpenAI's own client gets its images, models, streams and errors from the server. */
class OpenAiClientTest {
    private static TestServer server;
    private static OpenAIClient client;

    @BeforeAll
    static void start() throws Exception {
        server = new TestServer(ServerOptions.standard().key(Optional.of("sesame")));
        client = client("sesame");
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(server.at("/v1").toString())
                .apiKey(key)
                .maxRetries(0)
                .build();
    }

    private static ImageGenerateParams.Builder trousers() {
        return ImageGenerateParams.builder()
                .prompt("Trouser")
                .model("fashion")
                .putAdditionalBodyProperty("seed", JsonValue.from(7));
    }

    private static byte[] png(Image image) {
        return Base64.getDecoder().decode(image.b64Json().orElseThrow());
    }

    private static double number(Image image, String name) {
        return ObjectMappers.jsonMapper().valueToTree(image).get(name).asDouble();
    }

    /** In other precisions than f16 a batch may change an image by rounding. */
    private static void assumeExactBatches() {
        assumeThat(Precision.fastest()).isEqualTo(Precision.F16);
    }

    @Test
    void imagesAreThoseThatThePipelineMakesAlone() throws Exception {
        assumeExactBatches();
        ImagesResponse answer = client.images()
                .generate(trousers()
                        .n(3)
                        .size(ImageGenerateParams.Size.of("28x28"))
                        .putAdditionalBodyProperty("response_format", JsonValue.from("b64_json"))
                        .build())
                .validate();
        List<Image> images = answer.data().orElseThrow();
        assertThat(images).hasSize(3);
        for (int i = 0; i < 3; i++) {
            assertThat(png(images.get(i))).isEqualTo(server.alone(1, 7 + i, Decoding.standard(), 2));
            assertThat(number(images.get(i), "seed")).isEqualTo(7 + i);
            assertThat(number(images.get(i), "accepted_length")).isBetween(1.5, 6.0);
            assertThat(number(images.get(i), "drift")).isBetween(0.1, 30.0);
            assertThat(number(images.get(i), "seconds")).isPositive();
        }
        assertThat(ImageIO.read(new ByteArrayInputStream(png(images.get(0)))).getWidth())
                .isEqualTo(28);
        assertThat(answer.usage().orElseThrow().outputTokens()).isEqualTo(3 * 196);
    }

    @Test
    void settingsOfARequestAreItsOwn() throws Exception {
        assumeExactBatches();
        Image image = client.images()
                .generate(trousers()
                        .prompt("9")
                        .putAdditionalBodyProperty("schedule", JsonValue.from("clamped"))
                        .putAdditionalBodyProperty("delta", JsonValue.from(1.5))
                        .putAdditionalBodyProperty("verification", JsonValue.from("token"))
                        .putAdditionalBodyProperty("guidance", JsonValue.from(1))
                        .putAdditionalBodyProperty("draft_length", JsonValue.from(8))
                        .build())
                .data()
                .orElseThrow()
                .get(0);
        Decoding decoding = Decoding.standard()
                .schedule(ScheduleName.CLAMPED)
                .delta(1.5)
                .verification(Verification.TOKEN)
                .draftLength(8);
        assertThat(png(image)).isEqualTo(server.alone(9, 7, decoding, 1));
    }

    @Test
    void aStreamHasPartialImagesAndThenTheWholeOne() throws Exception {
        assumeExactBatches();
        List<ImageGenPartialImageEvent> partials = new ArrayList<>();
        List<ImageGenCompletedEvent> completed = new ArrayList<>();
        try (StreamResponse<ImageGenStreamEvent> stream =
                client.images().generateStreaming(trousers().partialImages(3).build())) {
            stream.stream().forEach(event -> {
                event.validate();
                event.generationPartialImage().ifPresent(partials::add);
                event.generationCompleted().ifPresent(completed::add);
            });
        }
        assertThat(partials).hasSize(3);
        assertThat(partials)
                .extracting(ImageGenPartialImageEvent::partialImageIndex)
                .containsExactly(0L, 1L, 2L);
        assertThat(partials).extracting(ImageGenPartialImageEvent::b64Json).doesNotHaveDuplicates();
        assertThat(completed).hasSize(1);
        assertThat(Base64.getDecoder().decode(completed.get(0).b64Json()))
                .isEqualTo(server.alone(1, 7, Decoding.standard(), 2));
    }

    @Test
    void theModelIsListedAndFound() {
        assertThat(client.models().list().data())
                .extracting(model -> model.id())
                .containsExactly("fashion");
        assertThat(client.models().retrieve("fashion").validate().ownedBy()).isEqualTo("coolsd");
        assertThatThrownBy(() -> client.models().retrieve("other")).isInstanceOf(NotFoundException.class);
    }

    @Test
    void errorsAreTheClientsOwn() {
        assertThatThrownBy(
                        () -> client.images().generate(trousers().prompt("Hat").build()))
                .isInstanceOf(BadRequestException.class)
                .hasMessageContaining("class is 'Hat', it must be 0..9 or one of T-shirt/top, Trouser")
                .satisfies(e -> assertThat(((BadRequestException) e).param()).contains("prompt"));
        assertThatThrownBy(() -> client.images().generate(trousers().n(11).build()))
                .isInstanceOf(BadRequestException.class)
                .hasMessageContaining("n is 11, it must be an integer of 1..10");
        assertThatThrownBy(() ->
                        client.images().generate(trousers().model("dall-e-3").build()))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("the model is 'dall-e-3', this server has 'fashion'");
        OpenAIClient stranger = client("sesam");
        assertThatThrownBy(() -> stranger.images().generate(trousers().build()))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageContaining("the API key is missing or wrong");
        stranger.close();
    }
}
