package org.coolsd.models.llamagen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.CheckpointCheck;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Component;
import org.coolsd.models.tiny.ConvertedLayout;
import org.coolsd.models.tiny.Fixture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The layout of LANTERN's conversions is read as the official one: its outputs are those of the official tensors. */
class ConvertedLayoutTest {
    @TempDir
    private Path folder;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    private static Component only(Path folder) throws Exception {
        List<Component> found = Checkpoints.find(folder);
        assertThat(found).hasSize(1);
        return found.get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-c2i", "gpt-t2i"})
    void outputsAreThoseOfTheOfficialLayout(String name) throws Exception {
        Fixture fixture = Fixture.open(name);
        ConvertedLayout.write(fixture, folder.resolve(name));
        Component converted = only(folder.resolve(name));
        Component official = only(fixture.folder());
        assertThat(converted.summary().parameters())
                .isEqualTo(official.summary().parameters());
        assertThat(converted.summary().memory()).isEqualTo(official.summary().memory());
        try (PassScope scope = new PassScope();
                Weights theirs = converted.files().keptWeights(ScalarType.Float);
                Weights ours = official.files().keptWeights(ScalarType.Float)) {
            Map<String, Tensor> expected = new LinkedHashMap<>(fixture.expected());
            Map<String, Tensor> a = converted.outputs(theirs, expected);
            Map<String, Tensor> b = official.outputs(ours, expected);
            assertThat(a.keySet()).isEqualTo(b.keySet()).contains("features", "logits");
            a.forEach((output, tensor) -> assertThat(
                            tensor.sub(b.get(output)).abs().max().item_double())
                    .as(output)
                    .isLessThanOrEqualTo(1e-6));
            assertThat(theirs.asked()).isEqualTo(theirs.names());
        }
        assertThat(CheckpointCheck.of(List.of(converted)).values())
                .allSatisfy(
                        check -> assertThat(check.passed()).as(check.toString()).isTrue());
    }

    @Test
    void whatItsConfigurationContradictsIsRefused() throws Exception {
        Path converted = folder.resolve("gpt-c2i");
        ConvertedLayout.write(Fixture.open("gpt-c2i"), converted);
        Path config = converted.resolve("config.json");
        String said = Files.readString(config);
        for (String[] change : new String[][] {
            {
                "\"hidden_size\" : 64",
                "\"hidden_size\" : 96",
                "hidden_size is 96, the tensors of model.safetensors have 64"
            },
            {"\"num_hidden_layers\" : 3", "\"num_hidden_layers\" : 4", "num_hidden_layers is 4, the tensors of"},
            {"\"num_key_value_heads\" : 4", "\"num_key_value_heads\" : 2", "grouped-query attention is not read"},
            {"\"hidden_act\" : \"silu\"", "\"hidden_act\" : \"gelu\"", "hidden_act is 'gelu'; only silu is read"},
            {"\"input_type\" : \"c2i\"", "\"input_type\" : \"t2i\"", "the file's tensors are those of c2i"},
        }) {
            assertThat(said).contains(change[0]);
            Files.writeString(config, said.replace(change[0], change[1]));
            assertThatThrownBy(() -> Checkpoints.find(converted))
                    .hasMessageContaining("config.json: ")
                    .hasMessageContaining(change[2])
                    .hasMessageNotContainingAny("\n");
        }
    }
}
