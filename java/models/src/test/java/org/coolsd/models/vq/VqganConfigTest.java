package org.coolsd.models.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.coolsd.checkpoint.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What vqgan.yaml may say. */
class VqganConfigTest {
    /** As Meta's file has it. */
    private static final String CHAMELEON =
            """
            model:
              base_learning_rate: 4.5e-06
              target: taming.models.vqgan.VQModel
              params:
                embed_dim: 256
                n_embed: 8192
                ddconfig:
                  double_z: False
                  z_channels: 256
                  resolution: 512
                  in_channels: 3
                  out_ch: 3
                  ch: 128
                  ch_mult:
                  - 1
                  - 1
                  - 2
                  - 2
                  - 4
                  num_res_blocks: 2
                  attn_resolutions: []
                  dropout: 0.0
            """;

    @TempDir
    Path folder;

    private VqganConfig read(String yaml) throws Exception {
        Path file = folder.resolve("vqgan.yaml");
        Files.writeString(file, yaml);
        return VqganConfig.read(file);
    }

    @Test
    void chameleons() throws Exception {
        VqConfig config = read(CHAMELEON).config();
        assertThat(config.codebookSize()).isEqualTo(8192);
        assertThat(config.embedDim()).isEqualTo(256);
        assertThat(config.l2Norm()).isFalse();
        assertThat(config.ch()).isEqualTo(128);
        assertThat(config.chMult()).containsExactly(1, 1, 2, 2, 4);
        assertThat(config.zChannels()).isEqualTo(256);
        assertThat(config.resBlocks()).isEqualTo(2);
    }

    /** 512 pixels are level 0, 32 are level 4. */
    @Test
    void attentionIsWhereTheResolutionsSay() throws Exception {
        VqLayout none = read(CHAMELEON).layout();
        VqLayout some = read(CHAMELEON.replace("attn_resolutions: []", "attn_resolutions: [32, 256]"))
                .layout();
        assertThat(IntStream.range(0, 5).filter(none.attention())).isEmpty();
        assertThat(IntStream.range(0, 5).filter(some.attention())).containsExactly(1, 4);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "double_z: False|double_z: True|double_z is true; only tokenizers with double_z false are read",
                "in_channels: 3|in_channels: 1|in_channels is 1; only tokenizers of red, green and blue are read (3)",
                "out_ch: 3|out_ch: 4|out_ch is 4; only tokenizers of red, green and blue are read (3)",
                "dropout: 0.0|attn_type: linear|attn_type is 'linear'; only 'vanilla' is read",
                "dropout: 0.0|tanh_out: True|tanh_out is true; only tokenizers with tanh_out false are read",
                "ch: 128|ch: 100|ch is 100; it must be a multiple of 32, the groups of the norms",
                "n_embed: 8192|n_embed: many|n_embed is missing or no whole number",
                "n_embed: 8192|m_embed: 8192|n_embed is missing or no whole number",
                "attn_resolutions: []|attn_resolutions: 16|attn_resolutions is missing or no list of numbers",
                "embed_dim: 256|remap: used.npy|remap is \"used.npy\"; only codebooks without one are read"
            })
    void whatIsNotRead(String official, String changed, String message) {
        assertThatThrownBy(() -> read(CHAMELEON.replace(official, changed)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageEndingWith(message);
    }

    @Test
    void whatIsNoYaml() {
        assertThatThrownBy(() -> read("model: ["))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("no YAML: ")
                .message()
                .hasLineCount(1);
        assertThatThrownBy(() -> VqganConfig.read(folder.resolve("missing.yaml")))
                .hasMessageEndingWith("no such file; a VQGAN needs its configuration beside it");
    }
}
