package org.coolsd.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.coolsd.checkpoint.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which models are found in a folder. */
class CheckpointsTest {
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");

    @TempDir
    private Path folder;

    private void copy(String fixture, String part) throws IOException {
        Path to = Files.createDirectories(folder.resolve(part));
        try (Stream<Path> files = Files.list(FIXTURES.resolve(fixture))) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName().toString()));
            }
        }
    }

    /** On the class path the kinds come from META-INF/services, on the module path from module-info: the same ones. */
    @Test
    void kindsAreTheSameOnBothPaths() {
        ModuleDescriptor module = ModuleFinder.of(Path.of("target/classes"))
                .find("org.coolsd.models")
                .orElseThrow()
                .descriptor();
        List<String> provided = module.provides().stream()
                .filter(provides -> provides.service().equals(Architecture.class.getName()))
                .flatMap(provides -> provides.providers().stream())
                .toList();
        assertThat(Checkpoints.architectures())
                .extracting(architecture -> architecture.getClass().getName())
                .isNotEmpty()
                .containsExactlyInAnyOrderElementsOf(provided);
        assertThat(Checkpoints.architectures()).extracting(Architecture::name).doesNotHaveDuplicates();
    }

    @Test
    void partsInFoldersOfTheirOwn() throws Exception {
        copy("gpt-c2i", "target");
        copy("vq", "tokenizer");
        copy("eagle-c2i", "drafter");
        List<Component> found = Checkpoints.find(folder);
        assertThat(found).hasSize(3);
        assertThat(found.get(0)).isInstanceOf(TargetComponent.class);
        assertThat(found.get(1)).isInstanceOf(DecoderComponent.class);
        assertThat(found.get(2)).isInstanceOf(DrafterComponent.class);
    }

    @Test
    void aTargetWithItsTokenizerBelow() throws Exception {
        copy("gpt-c2i", ".");
        copy("vq", "tokenizer");
        assertThat(Checkpoints.find(folder)).hasSize(2);
        copy("gpt-c2i", "target");
        assertThatThrownBy(() -> Checkpoints.find(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("two models of one purpose, ")
                .hasMessageContaining("model.pt and ")
                .hasMessageContaining("target/model.pt; put each in a folder of its own");
    }

    @Test
    void shardsAreNotModelsOfTheirOwn() throws Exception {
        copy("chameleon", ".");
        assertThat(Checkpoints.files(folder))
                .extracting(files -> files.weightsFile().getFileName().toString())
                .containsExactly("model.safetensors.index.json");
    }

    @Test
    void aConfigurationOfPartsNamesItsFiles() throws Exception {
        Files.writeString(folder.resolve("config.json"), "{\"target\": {}}");
        assertThatThrownBy(() -> Checkpoints.find(folder))
                .hasMessageContaining("target.safetensors: no such file, and config.json has its model");
    }
}
