package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a config.json may say of a Chameleon decoder. */
class ChameleonConfigTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The published 7B model's. */
    private static final String SEVEN_BILLION = "{\"hidden_size\":4096,\"intermediate_size\":11008,"
            + "\"num_hidden_layers\":32,\"num_attention_heads\":32,\"rms_norm_eps\":1e-05,"
            + "\"max_position_embeddings\":4096,\"vocab_size\":65536}";

    private static ChameleonConfig with(String name, String value) throws Exception {
        ObjectNode config = (ObjectNode) JSON.readTree(SEVEN_BILLION);
        config.set(name, JSON.readTree(value));
        return JSON.treeToValue((JsonNode) config, ChameleonConfig.class);
    }

    @Test
    void whatIsLeftOutIsAsTransformersHasIt() throws Exception {
        ChameleonConfig config = JSON.readValue(SEVEN_BILLION, ChameleonConfig.class);
        assertThat(config).isEqualTo(new ChameleonConfig(4096, 11008, 32, 32, 32, 1, 1e-5, 10000, 4096, 65536, false));
        assertThat(with("rope_scaling", "null")).isEqualTo(config);
        assertThat(with("swin_norm", "false")).isEqualTo(config);
    }

    @Test
    void whatIsNotReadIsRefusedByItsOfficialName() {
        Map<String, List<String>> refused = Map.of(
                "swin_norm",
                        List.of(
                                "true",
                                "swin_norm is true; models with norms behind attention and MLP, as in Chameleon 34B, are not"
                                        + " read, only those with swin_norm false"),
                "attention_bias",
                        List.of(
                                "true",
                                "attention_bias is true; models with biases in attention are not read, only those with"
                                        + " attention_bias false"),
                "rope_scaling",
                        List.of(
                                "{\"type\":\"linear\",\"factor\":2}",
                                "rope_scaling is {\"type\":\"linear\",\"factor\":2}; only models with plain rotary embeddings are"
                                        + " read (rope_scaling null)"),
                "hidden_act", List.of("\"gelu\"", "hidden_act is 'gelu'; only models with 'silu' are read"),
                "num_key_value_heads",
                        List.of(
                                "5",
                                "num_key_value_heads is 5 and num_attention_heads 32; the one must divide the other"),
                "num_attention_heads",
                        List.of(
                                "7",
                                "hidden_size is 4096 and num_attention_heads 7; hidden_size / num_attention_heads must be an"
                                        + " even number"));
        refused.forEach((name, value) ->
                assertThatThrownBy(() -> with(name, value.get(0))).hasRootCauseMessage(value.get(1)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hidden_size",
                "intermediate_size",
                "num_hidden_layers",
                "num_attention_heads",
                "rms_norm_eps",
                "max_position_embeddings",
                "vocab_size"
            })
    void numbersThatAreMissing(String name) throws Exception {
        ObjectNode config = (ObjectNode) JSON.readTree(SEVEN_BILLION);
        config.remove(name);
        assertThatThrownBy(() -> JSON.treeToValue((JsonNode) config, ChameleonConfig.class))
                .hasRootCauseMessage(name + " is missing or not above 0");
    }
}
