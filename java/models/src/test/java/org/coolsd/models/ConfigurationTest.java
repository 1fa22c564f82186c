package org.coolsd.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.coolsd.models.vq.VqConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A configuration that would be read wrong is refused in one line that names the entry. */
class ConfigurationTest {
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void theOfficialConfigurationsAreRead() throws Exception {
        assertThat(JSON.treeToValue(official("gpt-c2i"), LlamaGenConfig.class).grid())
                .isEqualTo(4);
        assertThat(JSON.treeToValue(official("eagle-c2i"), EagleConfig.class).feedForward())
                .isEqualTo(192);
        assertThat(JSON.treeToValue(official("vq"), VqConfig.class).chMult()).containsExactly(1, 2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "gpt-c2i | cls_token_num     | 120   | cls_token_num is 120; a class-conditional model",
                "gpt-c2i | cls_token_num     |       | cls_token_num is missing",
                "gpt-c2i | model_type        | \"x2i\" | model_type is 'x2i'; models are made for classes",
                "gpt-c2i | n_head            |       | n_head is missing or not above 0",
                "gpt-c2i | n_head            | -4    | n_head is missing or not above 0",
                "gpt-c2i | n_head            | 5     | dim is 64 and n_head 5; dim / n_head must be a multiple of 4",
                "gpt-c2i | n_kv_head         | 2     | n_kv_head is 2 and n_head 4; grouped-query attention",
                "gpt-c2i | ffn_dim_multiplier | 1.5  | ffn_dim_multiplier is 1.5;",
                "gpt-c2i | block_size        | 17    | block_size is 17; the image tokens of a square image",
                "gpt-c2i | block_size        |       | block_size is missing",
                "gpt-c2i | n_layer           |       | n_layer is missing",
                "gpt-c2i | multiple_of       | 0     | multiple_of is missing",
                "gpt-c2i | norm_eps          |       | norm_eps is missing",
                "gpt-c2i | rope_base         | 0     | rope_base is missing",
                "gpt-c2i | vocab_size        |       | vocab_size is missing",
                "gpt-c2i | num_classes       |       | num_classes is missing",
                "eagle-c2i | num_attention_heads |   | num_attention_heads is missing",
                "eagle-c2i | num_key_value_heads | 2 | num_key_value_heads is 2 and num_attention_heads 4; grouped-query",
                "eagle-c2i | num_hidden_layers | 2   | num_hidden_layers is 2; a drafter has 1",
                "eagle-c2i | num_attention_heads | 5 | hidden_size is 64 and num_attention_heads 5;",
                "eagle-c2i | hidden_act      | \"gelu\" | hidden_act is 'gelu'; only silu is read",
                "vq | ch_mult                |       | ch_mult is missing",
                "vq | ch_mult                | [1,0] | a width in ch_mult is missing or not above 0",
                "vq | ch                     | 40    | ch is 40; it must be a multiple of 32",
                "vq | codebook_size          |       | codebook_size is missing",
            })
    void whatCannotBeReadIsRefusedByName(String fixture, String entry, String value, String words) throws Exception {
        ObjectNode config = official(fixture);
        if (value == null) {
            config.remove(entry);
        } else {
            config.set(entry, JSON.readTree(value));
        }
        Class<?> type = fixture.startsWith("gpt")
                ? LlamaGenConfig.class
                : fixture.equals("vq") ? VqConfig.class : EagleConfig.class;
        assertThatThrownBy(() -> JSON.treeToValue(config, type))
                .cause()
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(words)
                .hasMessageNotContainingAny("\n");
    }

    private static ObjectNode official(String fixture) throws Exception {
        return (ObjectNode)
                JSON.readTree(FIXTURES.resolve(fixture).resolve("config.json").toFile());
    }
}
