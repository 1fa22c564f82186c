package org.coolsd.models.vq;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Weights;

/** The blocks that VQGAN tokenizers are made of, each over tensors [batch, channels, height, width] by name. */
final class ConvNet {
    /** Groups of the norms. */
    static final int GROUPS = 32;

    private static final long[] ONE = {1, 1};
    private static final long[] NONE = {0, 0};
    private final Weights weights;

    ConvNet(Weights weights) {
        this.weights = weights;
    }

    /** 3 x 3 convolution that keeps the size, or 1 x 1. */
    Tensor conv(Tensor x, String name) {
        Tensor weight = weights.get(name + ".weight", -1, x.size(1), -1, -1);
        return conv(x, name, weight, ONE, weight.size(2) == 3 ? ONE : NONE);
    }

    private Tensor conv(Tensor x, String name, Tensor weight, long[] stride, long[] padding) {
        TensorOptional bias = new TensorOptional(weights.get(name + ".bias", weight.size(0)));
        return torch.conv2d(x, weight, bias, stride, padding, ONE, 1);
    }

    /** Group norm. */
    Tensor norm(Tensor x, String name) {
        return torch.group_norm(
                x,
                GROUPS,
                new TensorOptional(weights.get(name + ".weight", x.size(1))),
                new TensorOptional(weights.get(name + ".bias", x.size(1))),
                1e-6,
                false);
    }

    /** Norm, swish, convolution, twice, around a shortcut. */
    Tensor residual(Tensor x, String name) {
        Tensor h = conv(torch.silu(norm(x, name + ".norm1")), name + ".conv1");
        h = conv(torch.silu(norm(h, name + ".norm2")), name + ".conv2");
        Tensor shortcut = h.size(1) == x.size(1) ? x : conv(x, name + ".nin_shortcut");
        return shortcut.add(h);
    }

    /** Single-head self-attention over all places. */
    Tensor attention(Tensor x, String name) {
        Tensor n = norm(x, name + ".norm");
        Tensor q = conv(n, name + ".q").flatten(2, 3).transpose(1, 2);
        Tensor k = conv(n, name + ".k").flatten(2, 3).transpose(1, 2);
        Tensor v = conv(n, name + ".v").flatten(2, 3).transpose(1, 2);
        Tensor attended = torch.scaled_dot_product_attention(q.unsqueeze(1), k.unsqueeze(1), v.unsqueeze(1));
        Tensor h = attended.squeeze(1).transpose(1, 2).contiguous().view(x.size(0), x.size(1), x.size(2), x.size(3));
        return x.add(conv(h, name + ".proj_out"));
    }

    /** Halves the size: one row and column of zeros at the far edges, 3 x 3 convolution with stride 2. */
    Tensor downsample(Tensor x, String name) {
        Tensor weight = weights.get(name + ".conv.weight", x.size(1), x.size(1), 3, 3);
        return conv(torch.pad(x, 0, 1, 0, 1), name + ".conv", weight, new long[] {2, 2}, NONE);
    }

    /** Doubles the size: nearest neighbour, then a 3 x 3 convolution. */
    Tensor upsample(Tensor x, String name) {
        Tensor large = torch.upsample_nearest2d(x, x.size(2) * 2, x.size(3) * 2);
        return conv(large, name + ".conv");
    }

    /** Norm, swish, convolution: the end of both halves. */
    Tensor output(Tensor x, String name) {
        return conv(torch.silu(norm(x, name + ".norm_out")), name + ".conv_out");
    }
}
