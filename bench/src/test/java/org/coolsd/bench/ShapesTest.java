package org.coolsd.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.checkpoint.Checkpoint;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model of no published size goes the way of those that have one. */
class ShapesTest {
    private static final LlamaGenConfig TINY = new LlamaGenConfig(32, 2, 4, 32, 10000, 1e-5, 10, 64, 1, 64);

    @TempDir
    private Path folder;

    @Test
    void everyNumberOfRowsIsTimedInAProcessOfItsOwn() throws Exception {
        RandomCheckpoint.write(folder, TINY);
        ShapeProcess.Found found = Shapes.measure(folder, Precision.BF16);
        long parameters = Checkpoint.read(folder.resolve("model.safetensors")).values().stream()
                        .mapToLong(TensorData::byteSize)
                        .sum()
                / 2;
        assertThat(found.parameters()).isEqualTo(parameters);
        assertThat(found.weights()).isBetween(2 * parameters, 4 * parameters);
        assertThat(found.peak()).isGreaterThanOrEqualTo(found.loadPeak()).isGreaterThan(found.weights());
        assertThat(found.millis().keySet())
                .containsExactlyElementsOf(Arrays.stream(Shapes.ROWS).boxed().toList());
        assertThat(found.millis().values()).allMatch(millis -> millis > 0);
    }

    @Test
    void weightsAreRandomAndNormsAreOne() throws Exception {
        LibTorch.load(1);
        RandomCheckpoint.write(folder, TINY);
        try (PointerScope scope = new PointerScope()) {
            var tensors = TensorFiles.read(folder.resolve("model.safetensors"));
            assertThat(tensors.keySet()).isEqualTo(LlamaGen.shapes(TINY).keySet());
            Tensor norm = tensors.get("norm.weight");
            assertThat(norm.min().item_float()).isEqualTo(1);
            assertThat(norm.max().item_float()).isEqualTo(1);
            Tensor head = tensors.get("output.weight").to(org.bytedeco.pytorch.global.torch.ScalarType.Float);
            assertThat(head.std(false).item_float()).isBetween(0.015f, 0.025f);
            assertThat(head.equal(tensors.get("tok_embeddings.weight")
                            .to(org.bytedeco.pytorch.global.torch.ScalarType.Float)))
                    .isFalse();
        }
    }
}
