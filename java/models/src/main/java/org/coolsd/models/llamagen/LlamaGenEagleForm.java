package org.coolsd.models.llamagen;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.eagle.EagleDrafter;
import org.coolsd.models.eagle.EagleForm;
import org.coolsd.models.eagle.EagleInput;
import org.coolsd.models.eagle.EagleWeights;
import org.coolsd.models.eagle.LlamaGenEagle;

/**
 * Drafters for LlamaGen, to be trained.
 *
 * @param target the target's configuration
 * @param drafter the drafter's
 * @param weights the target's, f32, of which embedding and head are read
 */
public record LlamaGenEagleForm(LlamaGenConfig target, EagleConfig drafter, Weights weights) implements EagleForm {
    /** Epsilon of the published drafters' norms. */
    private static final double NORM_EPS = 1e-6;

    /** A drafter with the target's sizes. */
    public LlamaGenEagleForm(LlamaGenConfig target, Weights weights) {
        this(
                target,
                new EagleConfig(
                        target.dim(),
                        target.feedForward(),
                        target.heads(),
                        NORM_EPS,
                        target.vocabSize(),
                        // The published ones' names: captions to images of 256 or of 512 pixels.
                        !target.captions() ? "c2i" : target.grid() <= 16 ? "t2i" : "t2i2"),
                weights);
    }

    @Override
    public DecoderShape shape() {
        return of(weights).shape();
    }

    @Override
    public EagleInput input() {
        return LlamaGenEagle.input(drafter, target.grid(), target.conditions());
    }

    @Override
    public Weights initialise() {
        return EagleDrafter.initialise(drafter, new LlamaGenTensors(target, weights).tokens());
    }

    @Override
    public EagleWeights of(Weights drafterWeights) {
        return new LlamaGenEagle(drafter, drafterWeights);
    }

    @Override
    public Tensor head() {
        return new LlamaGenTensors(target, weights).head(weights::get);
    }

    @Override
    public ObjectNode config() {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.putArray("architectures").add("LlamaForCausalLM");
        json.put("model_type", "llama");
        json.put("input_type", drafter.inputType());
        json.put("hidden_size", drafter.dim());
        json.put("intermediate_size", drafter.feedForward());
        json.put("num_hidden_layers", 1);
        json.put("num_attention_heads", drafter.heads());
        json.put("num_key_value_heads", drafter.heads());
        json.put("hidden_act", "silu");
        json.put("rms_norm_eps", drafter.normEps());
        json.put("vocab_size", drafter.vocabSize());
        json.put("bias", true);
        return json;
    }
}
