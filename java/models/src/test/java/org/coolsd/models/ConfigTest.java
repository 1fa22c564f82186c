package org.coolsd.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.junit.jupiter.api.Test;

/** Configurations that say what the code does not read are refused, by the official name. */
class ConfigTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");

    private static ObjectNode config(String folder) throws Exception {
        return (ObjectNode)
                JSON.readTree(FIXTURES.resolve(folder).resolve("config.json").toFile());
    }

    private static void refused(Class<?> type, ObjectNode config, String words) {
        assertThatThrownBy(() -> JSON.treeToValue(config, type))
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(words);
    }

    @Test
    void llamaGen() throws Exception {
        assertThat(JSON.treeToValue(config("gpt-c2i"), LlamaGenConfig.class).grid())
                .isEqualTo(4);
        for (String name : new String[] {"dim", "n_layer", "n_head", "multiple_of", "vocab_size", "block_size"}) {
            ObjectNode lacking = config("gpt-c2i");
            lacking.remove(name);
            refused(LlamaGenConfig.class, lacking, name + " is 0, it must be given");
        }
        refused(
                LlamaGenConfig.class,
                config("gpt-c2i").put("cls_token_num", 120),
                "cls_token_num is 120, it must be 1");
        refused(LlamaGenConfig.class, config("gpt-c2i").put("block_size", 15), "block_size is 15, it must be a square");
        refused(LlamaGenConfig.class, config("gpt-c2i").put("n_head", 3), "n_head 3");
        refused(LlamaGenConfig.class, config("gpt-c2i").put("norm_eps", 0), "norm_eps 0.0");
    }

    @Test
    void eagle() throws Exception {
        ObjectNode lacking = config("eagle-c2i");
        lacking.remove("num_attention_heads");
        refused(EagleConfig.class, lacking, "num_attention_heads is 0, it must be given");
        refused(EagleConfig.class, config("eagle-c2i").put("num_attention_heads", 5), "num_attention_heads 5");
    }
}
