package org.coolsd.models.chameleon;

import java.util.Map;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Tensors;

/**
 * LANTERN's drafter for Chameleon as its cnets_anole.py and cnets_lumina_mgpt.py define it, with tensors under their names: what
 * the project's is compared with.
 */
record LanternDrafter(Map<String, Tensor> w) {
    private static final int HEADS = 4;
    private static final int HEAD_DIM = 16;

    /** What follows tokens i64 [1, n] and features f32 [1, n, dim], positions 0 and on: f32 [1, n, dim]. */
    Tensor features(Tensor tokens, Tensor features) {
        Tensor joint = torch.cat(new TensorVector(torch.embedding(w.get("embed_tokens.weight"), tokens), features), -1);
        Tensor x = torch.linear(joint, w.get("fc.weight"), new TensorOptional(w.get("fc.bias")));
        Tensor h = x.add(attention(norm(x, "input_layernorm")));
        Tensor n = norm(h, "post_attention_layernorm");
        Tensor gated = torch.silu(torch.linear(n, w.get("layers.0.mlp.gate_proj.weight")))
                .mul(torch.linear(n, w.get("layers.0.mlp.up_proj.weight")));
        return h.add(torch.linear(gated, w.get("layers.0.mlp.down_proj.weight")));
    }

    private Tensor norm(Tensor x, String name) {
        Tensor mean = x.mul(x).mean(new long[] {-1}, true, new ScalarTypeOptional());
        return x.mul(mean.add(new Scalar(1e-5)).rsqrt()).mul(w.get("layers.0." + name + ".weight"));
    }

    private Tensor attention(Tensor x) {
        Tensor query = turn(headNorm(project(x, "q"), "q"));
        Tensor key = turn(headNorm(project(x, "k"), "k"));
        Tensor attended = torch.scaled_dot_product_attention(
                query.transpose(1, 2),
                key.transpose(1, 2),
                project(x, "v").transpose(1, 2),
                new TensorOptional(),
                0,
                true,
                new DoubleOptional(),
                false);
        return torch.linear(attended.transpose(1, 2).flatten(2, 3), w.get("layers.0.self_attn.o_proj.weight"));
    }

    private Tensor project(Tensor x, String name) {
        return torch.linear(x, w.get("layers.0.self_attn." + name + "_proj.weight"))
                .unflatten(-1, HEADS, HEAD_DIM);
    }

    private Tensor headNorm(Tensor heads, String name) {
        Tensor mean = heads.mean(new long[] {-1}, true, new ScalarTypeOptional());
        Tensor centred = heads.sub(mean);
        Tensor variance = centred.mul(centred).mean(new long[] {-1}, true, new ScalarTypeOptional());
        return centred.mul(variance.add(new Scalar(1e-5)).rsqrt())
                .mul(rows("layers.0.self_attn." + name + "_norm.weight"))
                .add(rows("layers.0.self_attn." + name + "_norm.bias"));
    }

    private Tensor rows(String name) {
        Tensor rows = w.get(name);
        return torch.repeat_interleave(rows, HEADS / rows.size(0), new LongOptional(0), new LongOptional());
    }

    /** Channel j turns with channel j + headDim / 2. */
    private static Tensor turn(Tensor x) {
        int n = (int) x.size(1);
        int half = HEAD_DIM / 2;
        float[] cos = new float[n * half];
        float[] sin = new float[n * half];
        for (int p = 0; p < n; p++) {
            for (int j = 0; j < half; j++) {
                double angle = p / Math.pow(10000, 2.0 * j / HEAD_DIM);
                cos[p * half + j] = (float) Math.cos(angle);
                sin[p * half + j] = (float) Math.sin(angle);
            }
        }
        Tensor c = Tensors.of(cos, n, 1, half);
        Tensor s = Tensors.of(sin, n, 1, half);
        Tensor a = x.narrow(-1, 0, half);
        Tensor b = x.narrow(-1, half, half);
        return torch.cat(new TensorVector(a.mul(c).sub(b.mul(s)), b.mul(c).add(a.mul(s))), -1);
    }
}
