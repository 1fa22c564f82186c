package org.coolsd.models.vq;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.coolsd.checkpoint.CheckpointException;

/**
 * What the YAML file beside a VQGAN in taming's layout says.
 *
 * @param config the sizes
 * @param layout the names, with attention at the resolutions of {@code attn_resolutions}
 */
record VqganConfig(VqConfig config, VqLayout layout) {
    /** Such files have some 30 lines. */
    private static final long LONGEST = 1 << 20;

    private static final YAMLMapper YAML = YAMLMapper.builder()
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .build();

    /**
     * Reads {@code file}.
     *
     * @throws CheckpointException in one line, with the entry's official name: missing, no number, or what is not read
     */
    static VqganConfig read(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new CheckpointException(file, "no such file; a VQGAN needs its configuration beside it");
        }
        if (Files.size(file) > LONGEST) {
            throw new CheckpointException(file, "larger than 1 MiB, so no configuration of a VQGAN");
        }
        try {
            return of(YAML.readTree(file.toFile()).path("model").path("params"));
        } catch (JsonProcessingException e) {
            throw new CheckpointException(
                    file,
                    "no YAML: " + e.getOriginalMessage().lines().findFirst().orElse(""),
                    e);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file, e.getMessage(), e);
        }
    }

    private static VqganConfig of(JsonNode params) {
        JsonNode sizes = params.path("ddconfig");
        requireSame(sizes, "double_z", false);
        requireSame(sizes, "tanh_out", false);
        requireSame(sizes, "give_pre_end", false);
        requireSame(sizes, "use_linear_attn", false);
        requireSame(sizes, "resamp_with_conv", true);
        for (String colours : new String[] {"in_channels", "out_ch"}) {
            if (number(sizes, colours) != 3) {
                throw new IllegalArgumentException(colours + " is " + sizes.get(colours)
                        + "; only tokenizers of red, green and blue are read (3)");
            }
        }
        String attention = sizes.path("attn_type").asText("vanilla");
        if (!attention.equals("vanilla")) {
            throw new IllegalArgumentException("attn_type is '" + attention + "'; only 'vanilla' is read");
        }
        if (!params.path("remap").isMissingNode() && !params.path("remap").isNull()) {
            throw new IllegalArgumentException(
                    "remap is " + params.get("remap") + "; only codebooks without one are read");
        }
        int resolution = number(sizes, "resolution");
        Set<Integer> attending = new HashSet<>();
        for (int at : numbers(sizes, "attn_resolutions")) {
            attending.add(at);
        }
        return new VqganConfig(
                new VqConfig(
                        number(params, "n_embed"),
                        number(params, "embed_dim"),
                        false,
                        number(sizes, "ch"),
                        numbers(sizes, "ch_mult"),
                        number(sizes, "z_channels"),
                        number(sizes, "num_res_blocks")),
                VqLayout.taming(level -> attending.contains(resolution >> level)));
    }

    private static int number(JsonNode node, String name) {
        JsonNode value = node.path(name);
        if (!value.isInt()) {
            throw new IllegalArgumentException(name + " is missing or no whole number");
        }
        return value.intValue();
    }

    private static int[] numbers(JsonNode node, String name) {
        JsonNode list = node.path(name);
        int[] numbers = new int[list.size()];
        if (!list.isArray()) {
            throw new IllegalArgumentException(name + " is missing or no list of numbers");
        }
        for (int i = 0; i < numbers.length; i++) {
            if (!list.get(i).isInt()) {
                throw new IllegalArgumentException(name + " has " + list.get(i) + ", which is no whole number");
            }
            numbers[i] = list.get(i).intValue();
        }
        return numbers;
    }

    private static void requireSame(JsonNode node, String name, boolean wanted) {
        JsonNode value = node.path(name);
        if (!value.isMissingNode() && (!value.isBoolean() || value.booleanValue() != wanted)) {
            throw new IllegalArgumentException(
                    name + " is " + value + "; only tokenizers with " + name + " " + wanted + " are read");
        }
    }
}
