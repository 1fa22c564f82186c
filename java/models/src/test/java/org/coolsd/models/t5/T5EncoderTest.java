package org.coolsd.models.t5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.Checkpoint;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.tiny.TinyT5;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The encoder against its definition, computed plainly in f64. */
class T5EncoderTest {
    /** More tokens than the distance from which on there is one bucket. */
    private static final long[] TOKENS = {4, 9, 3, 19, 0, 5, 5, 11, 13, 2, 8, 1};

    @TempDir
    private Path folder;

    private T5Encoder encoder(TinyT5 tiny, Precision precision) throws Exception {
        try (Weights weights =
                Weights.in(Checkpoint.read(tiny.folder().resolve("model.safetensors")), ScalarType.Float)) {
            return new T5Encoder(tiny.config(), weights, precision, Placement.cpu());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void equalsTheDefinition(boolean gated) throws Exception {
        TinyT5 tiny = TinyT5.make(folder, gated);
        try (T5Encoder encoder = encoder(tiny, Precision.F32)) {
            for (int n : new int[] {1, 2, TOKENS.length}) {
                long[] tokens = Arrays.copyOf(TOKENS, n);
                assertClose(encoder.forward(tokens), new Definition(tiny).states(tokens), 2e-5);
            }
        }
    }

    /** Padding changes nothing: the official code encodes 120 positions, of which padded ones are masked. */
    @Test
    void tokensAloneAreAsGoodAsPaddedAndMasked() throws Exception {
        TinyT5 tiny = TinyT5.make(folder, true);
        long[] padded = Arrays.copyOf(TOKENS, 30);
        double[] states = new Definition(tiny).states(padded, TOKENS.length);
        try (T5Encoder encoder = encoder(tiny, Precision.F32)) {
            assertClose(
                    encoder.forward(TOKENS),
                    Arrays.copyOf(states, TOKENS.length * tiny.config().dim()),
                    2e-5);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"BF16", "F16"})
    void narrowProductsAreClose(String precision) throws Exception {
        TinyT5 tiny = TinyT5.make(folder, true);
        double error = precision.equals("F16") ? 0.02 : 0.15;
        try (T5Encoder encoder = encoder(tiny, Precision.valueOf(precision))) {
            assertClose(encoder.forward(TOKENS), new Definition(tiny).states(TOKENS), error);
        }
    }

    /** What f16 cannot hold: published T5 have hidden values and sums beyond 65504. */
    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16", "F16"})
    void nothingOverflows(String precision) throws Exception {
        TinyT5 tiny = TinyT5.make(folder, true);
        Map<String, float[]> large = new LinkedHashMap<>(tiny.weights());
        for (int i = 0; i < tiny.config().layers(); i++) {
            for (String part : new String[] {"wi_0", "wi_1", "wo"}) {
                String name = "encoder.block." + i + ".layer.1.DenseReluDense." + part + ".weight";
                float[] values = large.get(name).clone();
                for (int j = 0; j < values.length; j++) {
                    values[j] *= 300;
                }
                large.put(name, values);
            }
        }
        TinyT5.write(folder.resolve("model.safetensors"), tiny.config(), large);
        TinyT5 loud = new TinyT5(folder, tiny.config(), large);
        Definition definition = new Definition(loud);
        double[] expected = definition.states(TOKENS);
        assertThat(definition.largest).isGreaterThan(65504);
        try (T5Encoder encoder = encoder(loud, Precision.valueOf(precision))) {
            assertClose(encoder.forward(TOKENS), expected, precision.equals("F32") ? 1e-4 : 0.15);
        }
    }

    @Test
    void aTensorOfAnotherShapeIsNamed() throws Exception {
        TinyT5 tiny = TinyT5.make(folder, true);
        Map<String, float[]> wrong = new LinkedHashMap<>(tiny.weights());
        wrong.put("encoder.final_layer_norm.weight", new float[5]);
        TinyT5.write(folder.resolve("model.safetensors"), tiny.config(), wrong);
        assertThatThrownBy(() -> encoder(tiny, Precision.F32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tensor 'encoder.final_layer_norm.weight' has shape [5], the configuration asks for [12]");
    }

    @Test
    void aClosedEncoderSaysSo() throws Exception {
        T5Encoder encoder = encoder(TinyT5.make(folder, true), Precision.F32);
        encoder.close();
        encoder.close();
        assertThatThrownBy(() -> encoder.forward(TOKENS))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the text encoder");
    }

    private static void assertClose(float[] actual, double[] expected, double error) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat((double) actual[i]).as("number " + i).isCloseTo(expected[i], within(error));
        }
    }
}
