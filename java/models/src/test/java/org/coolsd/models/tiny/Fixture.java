package org.coolsd.models.tiny;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Weights;

/** One folder of shared/fixtures: a tiny official checkpoint and the official code's outputs. */
public record Fixture(Path folder, Map<String, Tensor> expected) {
    public static Fixture open(String name) throws IOException {
        Path folder = Path.of("../checkpoint/src/test/resources/fixtures", name);
        return new Fixture(folder, TensorFiles.read(folder.resolve("expected.safetensors")));
    }

    public <T> T config(Class<T> type) throws IOException {
        return new ObjectMapper().readValue(folder.resolve("config.json").toFile(), type);
    }

    public Weights weights(String file) throws IOException {
        return new Weights(TensorFiles.read(folder.resolve(file)));
    }

    /** The largest absolute difference is at most 1e-4, the fixtures' tolerance. */
    public static void assertClose(Tensor actual, Tensor expected) {
        assertThat(actual.sizes().vec().get()).isEqualTo(expected.sizes().vec().get());
        assertThat(actual.sub(expected).abs().max().item_double()).isLessThanOrEqualTo(1e-4);
    }
}
