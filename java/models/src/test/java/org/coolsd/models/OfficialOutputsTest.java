package org.coolsd.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.coolsd.models.tiny.Fixture.assertClose;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verdict;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.eagle.EagleDrafter;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.coolsd.models.tiny.Fixture;
import org.coolsd.models.vq.VqConfig;
import org.coolsd.models.vq.VqTokenizer;
import org.junit.jupiter.api.Test;

/** The models over whole sequences equal the official code on its own checkpoints. */
class OfficialOutputsTest {
    @Test
    void llamaGenWhole() throws Exception {
        Fixture fixture = Fixture.open("gpt-c2i");
        LlamaGen model = target(fixture);
        Tensor features = model.features(labels(fixture, model), images(fixture));
        assertClose(features, fixture.expected().get("features"));
        assertClose(model.logits(features), fixture.expected().get("logits"));
    }

    @Test
    void eagleWhole() throws Exception {
        Fixture fixture = Fixture.open("eagle-c2i");
        EagleDrafter drafter = EagleDrafter.forInference(
                fixture.config(EagleConfig.class), 24, fixture.weights("pytorch_model.bin"), Precision.F32);
        Tensor tokens = fixture.expected().get("tokens");
        Tensor features = fixture.expected().get("input_features");
        assertClose(drafter.features(tokens, features), fixture.expected().get("output_features"));
    }

    @Test
    void vqTokenizer() throws Exception {
        Fixture fixture = Fixture.open("vq");
        VqTokenizer vq = new VqTokenizer(fixture.config(VqConfig.class), fixture.weights("model.pt"));
        assertClose(
                vq.decode(fixture.expected().get("codes")), fixture.expected().get("decoded"));
        Tensor latents = vq.latents(fixture.expected().get("image"));
        assertClose(latents, fixture.expected().get("encoded_latents"));
        assertThat(vq.quantise(latents).equal(fixture.expected().get("encoded_codes")))
                .isTrue();
    }

    @Test
    void missingAndMisshapenTensorsAreNamed() throws Exception {
        Fixture fixture = Fixture.open("gpt-c2i");
        Weights weights = fixture.weights("model.pt");
        assertThatThrownBy(() -> weights.get("nothing", 1)).hasMessage("the checkpoint has no tensor 'nothing'");
        assertThatThrownBy(() -> weights.get("norm.weight", 63))
                .hasMessage("tensor 'norm.weight' has shape [64], the configuration asks for [63]");
    }

    private static LlamaGen target(Fixture fixture) throws Exception {
        return LlamaGen.forInference(fixture.config(LlamaGenConfig.class), fixture.weights("model.pt"), Precision.F32);
    }

    private static Tensor labels(Fixture fixture, LlamaGen model) {
        Tensor labels = fixture.expected().get("labels");
        Tensor none = Tensors.of(
                new long[] {model.config().nullClass(), model.config().nullClass()}, 2);
        return torch.cat(new TensorVector(labels, none), 0);
    }

    private static Tensor images(Fixture fixture) {
        Tensor tokens = fixture.expected().get("tokens");
        return torch.cat(new TensorVector(tokens, tokens), 0);
    }

    /**
     * Temperature, guidance, top-k and top-p as in LlamaGen's official code. A draft of every token in turn, accepted
     * whenever it can be, makes the library report log P of the whole row.
     */
    @Test
    void probabilitiesAreTheOfficialOnes() throws Exception {
        Fixture fixture = Fixture.open("gpt-c2i");
        Tensor logits = fixture.expected().get("logits");
        Pattern name = Pattern.compile("probs_t([\\d.]+)_k(\\d+)_p([\\d.]+)");
        int seen = 0;
        for (String key : fixture.expected().keySet()) {
            Matcher match = name.matcher(key);
            if (match.matches()) {
                seen++;
                Sampling sampling = Sampling.of()
                        .guidance(4)
                        .temperature(Float.parseFloat(match.group(1)))
                        .topK(Integer.parseInt(match.group(2)))
                        .topP(Float.parseFloat(match.group(3)));
                compare(logits, fixture.expected().get(key), sampling);
            } else if (key.startsWith("cfg_logits_")) {
                seen++;
                float scale = Float.parseFloat(key.substring("cfg_logits_".length()));
                compare(
                        logits,
                        fixture.expected().get(key).softmax(-1),
                        Sampling.of().guidance(scale));
            }
        }
        assertThat(seen).isGreaterThan(2);
    }

    private static void compare(Tensor logits, Tensor expected, Sampling sampling) {
        int vocab = (int) logits.size(2);
        float[] all = values(logits);
        float[] wanted = values(expected);
        int rows = (int) logits.size(1);
        VerifierSpec spec = VerifierSpec.of(vocab, Schedule.uniform(1e30).draftLength(1), sampling)
                .draft(Sampling.of())
                .report(VerifierSpec.Report.LOG_PROB);
        Logits flat = Logits.copyOf(new float[vocab], 1, vocab);
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            for (int r = 0; r < wanted.length / vocab; r++) {
                Logits row = twice(all, r, vocab).guidedBy(twice(all, 2 * rows + r, vocab));
                for (int v = 0; v < vocab; v++) {
                    Verdict verdict = verifier.verify(row, flat, new int[] {v}, v, 0);
                    double p = verdict.accepted() == 0 ? 0 : Math.exp(verdict.logProb(0));
                    assertThat(p).as(sampling.toString()).isCloseTo(wanted[r * vocab + v], within(1e-5));
                }
            }
        }
    }

    private static Logits twice(float[] all, int row, int vocab) {
        float[] two = new float[2 * vocab];
        System.arraycopy(all, row * vocab, two, 0, vocab);
        System.arraycopy(all, row * vocab, two, vocab, vocab);
        return Logits.copyOf(two, 2, vocab);
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[(int) tensor.numel()];
        new org.bytedeco.javacpp.FloatPointer(tensor.contiguous().data_ptr_float()).get(values);
        return values;
    }
}
