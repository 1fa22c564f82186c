package org.coolsd.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The official checkpoints pass, and a copy with any one tensor altered, renamed or transposed does not. */
class CheckpointCheckTest {
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");

    /** A checkpoint in memory, to be changed a tensor at a time. */
    private record Loaded(List<Component> models, Map<String, Tensor> tensors, Map<String, Tensor> expected) {
        static Loaded of(String fixture) throws IOException {
            Path folder = FIXTURES.resolve(fixture);
            List<Component> models = Checkpoints.find(folder);
            return new Loaded(
                    models,
                    TensorFiles.read(models.get(0).files().weightsFile(), ScalarType.Float),
                    TensorFiles.read(folder.resolve("expected.safetensors")));
        }

        CheckpointCheck check(Map<String, Tensor> changed) throws IOException {
            return CheckpointCheck.of(models, new Weights(changed), expected);
        }

        boolean passes(Map<String, Tensor> changed) {
            try (PassScope scope = new PassScope()) {
                return check(changed).passed();
            } catch (IOException e) {
                assertThat(e).isInstanceOf(CheckpointException.class);
                return false;
            }
        }

        Map<String, Tensor> with(String name, Tensor tensor) {
            Map<String, Tensor> changed = new LinkedHashMap<>(tensors);
            changed.put(name, tensor);
            return changed;
        }
    }

    /** Every element up or down by {@code by} to twice that, no two alike: what is added to all is what norms take away. */
    private static Tensor altered(Tensor tensor, float by) {
        float[] change = new float[(int) tensor.numel()];
        for (int i = 0; i < change.length; i++) {
            change[i] = (i % 2 == 0 ? by : -by) * (1 + (float) i / change.length);
        }
        return tensor.add(Tensors.of(change, change.length).view(tensor.sizes()));
    }

    @BeforeAll
    static void load() throws IOException {
        LibTorch.load(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"chameleon", "chameleon-vqgan", "eagle-c2i", "gpt-c2i", "vq"})
    void passesAsItIs(String fixture) throws Exception {
        CheckpointCheck check = CheckpointCheck.of(Checkpoints.find(FIXTURES.resolve(fixture)))
                .values()
                .iterator()
                .next();
        assertThat(check.errors()).isNotEmpty();
        assertThat(check.passed()).as(check.toString()).isTrue();
    }

    /** The encoder of Chameleon's VQGAN is known by its codes only, which a small change leaves as they are. */
    @ParameterizedTest
    @CsvSource({"chameleon, 0.1", "chameleon-vqgan, 2", "eagle-c2i, 0.1", "gpt-c2i, 0.1", "vq, 0.1"})
    void anyChangedTensorFails(String fixture, float by) throws Exception {
        Loaded loaded = Loaded.of(fixture);
        Set<String> unseen = new TreeSet<>();
        Set<String> wrong = new TreeSet<>();
        for (Map.Entry<String, Tensor> e : loaded.tensors().entrySet()) {
            String name = e.getKey();
            Tensor tensor = e.getValue();
            if (loaded.passes(loaded.with(name, altered(tensor, by)))) {
                unseen.add(name);
            }
            if (tensor.dim() >= 2
                    && loaded.passes(loaded.with(name, tensor.transpose(0, 1).contiguous()))) {
                wrong.add(name + " transposed");
            }
            Map<String, Tensor> renamed = loaded.with(name + "x", tensor);
            renamed.remove(name);
            if (loaded.passes(renamed)) {
                wrong.add(name + " renamed");
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(unseen).isEqualTo(loaded.models().get(0).cancelling());
    }
}
