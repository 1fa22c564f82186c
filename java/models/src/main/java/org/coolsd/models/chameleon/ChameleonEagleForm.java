package org.coolsd.models.chameleon;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.EagleForm;
import org.coolsd.models.eagle.EagleInput;
import org.coolsd.models.eagle.EagleWeights;

/**
 * Drafters for Chameleon's decoders, to be trained.
 *
 * @param target the target's configuration
 * @param image the tokens that are drawn
 * @param weights the target's, f32, of which embedding and head are read
 */
record ChameleonEagleForm(ChameleonConfig target, Window image, Weights weights) implements EagleForm {
    private ChameleonConfig drafter() {
        return new ChameleonConfig(
                target.dim(),
                target.feedForward(),
                1,
                target.heads(),
                target.keyHeads(),
                target.shards(),
                target.normEps(),
                target.ropeBase(),
                target.positions(),
                target.vocabSize(),
                false);
    }

    @Override
    public DecoderShape shape() {
        return drafter().shape();
    }

    @Override
    public EagleInput input() {
        return ChameleonEagle.input(drafter(), target.positions(), image.from());
    }

    @Override
    public Weights initialise() {
        long d = target.dim();
        long f = target.feedForward();
        long keys = (long) target.keyHeads() * target.headDim();
        String attention = "layers.0.self_attn.";
        Map<String, Tensor> w = new LinkedHashMap<>();
        w.put("embed_tokens.weight", Chameleon.embedding(target, weights).clone());
        w.put("fc.weight", Tensors.normal(d, 2 * d));
        w.put("fc.bias", torch.zeros(d));
        w.put(attention + "q_proj.weight", Tensors.normal(d, d));
        w.put(attention + "k_proj.weight", Tensors.normal(keys, d));
        w.put(attention + "v_proj.weight", Tensors.normal(keys, d));
        w.put(attention + "o_proj.weight", Tensors.normal(d, d));
        w.put(attention + "q_norm.weight", torch.ones(target.heads(), target.headDim()));
        w.put(attention + "q_norm.bias", torch.zeros(target.heads(), target.headDim()));
        w.put(attention + "k_norm.weight", torch.ones(target.keyHeads(), target.headDim()));
        w.put(attention + "k_norm.bias", torch.zeros(target.keyHeads(), target.headDim()));
        w.put("layers.0.mlp.gate_proj.weight", Tensors.normal(f, d));
        w.put("layers.0.mlp.up_proj.weight", Tensors.normal(f, d));
        w.put("layers.0.mlp.down_proj.weight", Tensors.normal(d, f));
        w.put("layers.0.input_layernorm.weight", torch.ones(d));
        w.put("layers.0.post_attention_layernorm.weight", torch.ones(d));
        return new Weights(w);
    }

    @Override
    public EagleWeights of(Weights drafterWeights) {
        return new ChameleonEagle(drafter(), true, drafterWeights);
    }

    /** The rows of the image tokens. */
    @Override
    public Tensor head() {
        return new ChameleonTensors(target, weights, image)
                .head()
                .read(0, image.to() - image.from())
                .to(torch.ScalarType.Float);
    }

    @Override
    public ObjectNode config() {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.putArray("architectures").add("ChameleonForConditionalGeneration");
        json.put("model_type", "chameleon");
        json.put("hidden_size", target.dim());
        json.put("intermediate_size", target.feedForward());
        json.put("num_hidden_layers", 1);
        json.put("num_attention_heads", target.heads());
        json.put("num_key_value_heads", target.keyHeads());
        json.put("model_parallel_size", target.shards());
        json.put("hidden_act", "silu");
        json.put("rms_norm_eps", target.normEps());
        json.put("rope_theta", target.ropeBase());
        json.put("max_position_embeddings", target.positions());
        json.put("vocab_size", target.vocabSize());
        json.put("attention_bias", false);
        json.put("mlp_bias", false);
        json.put("swin_norm", false);
        json.put("bias", true);
        return json;
    }
}
