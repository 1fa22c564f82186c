package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.coolsd.checkpoint.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A config.json is read as it is meant, or refused in one line. */
class ModelFolderTest {
    private static final String CONFIG =
            """
            {"classes": ["a", "b"], "guidance": 1.5,
             "tokenizer": {"codebook_size": 16, "codebook_embed_dim": 4, "codebook_l2_norm": true, "ch": 32, "ch_mult": [1, 2],
               "z_channels": 32, "num_res_blocks": 1},
             "target": {"dim": 32, "n_layer": 1, "n_head": 2, "multiple_of": 32, "rope_base": 10000, "norm_eps": 1e-5,
               "num_classes": 2, "vocab_size": 16, "cls_token_num": 1, "block_size": 16},
             "drafter": {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "rms_norm_eps": 1e-6,
               "vocab_size": 16}}
            """;

    @TempDir
    Path folder;

    @Test
    void whatAConfigurationRefusesIsSaidInItsOwnWords() throws Exception {
        refused("\"cls_token_num\": 1", "\"cls_token_num\": 120", "cls_token_num is 120;");
        refused("\"n_head\": 2,", "", "n_head is missing or not above 0");
        refused("\"block_size\": 16", "\"block_size\": 15", "block_size is 15;");
    }

    @Test
    void partsThatContradictEachOtherAreRefused() throws Exception {
        refused("[\"a\", \"b\"]", "[\"a\"]", "classes has 1 names, target.num_classes is 2");
        refused(
                "\"codebook_size\": 16",
                "\"codebook_size\": 15",
                "tokenizer.codebook_size is 15, target.vocab_size 16;");
    }

    @Test
    void numbersAreNotCutAndNamesNotTakenTwice() throws Exception {
        refused("\"n_head\": 2,", "\"n_head\": 2.5,", "Cannot coerce Floating-point value (2.5) to `int`");
        refused("\"n_head\": 2,", "\"n_head\": 2, \"n_head\": 4,", "Duplicate field 'n_head'");
    }

    private void refused(String part, String by, String words) throws Exception {
        Path file = folder.resolve("config.json");
        Files.writeString(file, CONFIG);
        ModelFolder.open(folder);
        Files.writeString(file, CONFIG.replace(part, by));
        assertThatThrownBy(() -> ModelFolder.open(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(words)
                .hasMessageNotContainingAny("\n");
    }
}
