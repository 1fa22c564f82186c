package org.coolsd.models.vq;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Weights;

/**
 * A VQGAN as a tokenizer, LlamaGen's or one in taming's layout: images [batch, 3, side, side] with values in [-1, 1] to
 * codebook indices and back. f32; the same object serves inference and training, since it keeps no converted copies.
 */
public final class VqTokenizer implements AutoCloseable {
    private final VqConfig config;
    private final VqLayout layout;
    private final Weights weights;
    private final ConvNet net;

    /** LlamaGen's tokenizer over {@code weights}, named as in the official checkpoints. */
    public VqTokenizer(VqConfig config, Weights weights) {
        this(config, VqLayout.llamaGen(config.chMult().length), weights);
    }

    /** A tokenizer over {@code weights} that {@code layout} names. */
    VqTokenizer(VqConfig config, VqLayout layout, Weights weights) {
        this.config = config;
        this.layout = layout;
        this.weights = weights;
        this.net = new ConvNet(weights);
        weights.get("quantize.embedding.weight", config.codebookSize(), config.embedDim());
    }

    /** Fresh weights: LibTorch's convolution defaults; the codebook uniform on [-1/n, 1/n], normalised where asked. */
    public static Weights initialise(VqConfig config) {
        Map<String, Tensor> w = new LinkedHashMap<>();
        int levels = config.chMult().length;
        int coarsest = config.ch() * config.chMult()[levels - 1];
        conv(w, "encoder.conv_in", config.ch(), 3, 3);
        int width = config.ch();
        for (int level = 0; level < levels; level++) {
            String at = "encoder.conv_blocks." + level + ".";
            for (int i = 0; i < config.resBlocks(); i++) {
                int out = config.ch() * config.chMult()[level];
                residual(w, at + "res." + i, width, out);
                width = out;
                if (level == levels - 1) {
                    attention(w, at + "attn." + i, width);
                }
            }
            if (level < levels - 1) {
                conv(w, at + "downsample.conv", width, width, 3);
            }
        }
        middle(w, "encoder", coarsest);
        norm(w, "encoder.norm_out", coarsest);
        conv(w, "encoder.conv_out", config.zChannels(), coarsest, 3);
        conv(w, "decoder.conv_in", coarsest, config.zChannels(), 3);
        middle(w, "decoder", coarsest);
        for (int step = 0; step < levels; step++) {
            String at = "decoder.conv_blocks." + step + ".";
            for (int i = 0; i <= config.resBlocks(); i++) {
                int out = config.ch() * config.chMult()[levels - 1 - step];
                residual(w, at + "res." + i, width, out);
                width = out;
                if (step == 0) {
                    attention(w, at + "attn." + i, width);
                }
            }
            if (step < levels - 1) {
                conv(w, at + "upsample.conv", width, width, 3);
            }
        }
        norm(w, "decoder.norm_out", width);
        conv(w, "decoder.conv_out", 3, width, 3);
        Tensor book = torch.randn(config.codebookSize(), config.embedDim());
        w.put(
                "quantize.embedding.weight",
                book.div(book.square().sum(new long[] {1}, true, NO_TYPE).sqrt()));
        conv(w, "quant_conv", config.embedDim(), config.zChannels(), 1);
        conv(w, "post_quant_conv", config.zChannels(), config.embedDim(), 1);
        return new Weights(w);
    }

    private static final ScalarTypeOptional NO_TYPE = new ScalarTypeOptional().retainReference();

    private static void conv(Map<String, Tensor> w, String name, long out, long in, long kernel) {
        double bound = 1 / Math.sqrt(in * kernel * kernel);
        w.put(name + ".weight", uniform(bound, out, in, kernel, kernel));
        w.put(name + ".bias", uniform(bound, out));
    }

    private static Tensor uniform(double bound, long... shape) {
        return torch.rand(shape, new TensorOptions(torch.ScalarType.Float))
                .mul_(new Scalar(2 * bound))
                .sub_(new Scalar(bound));
    }

    private static void norm(Map<String, Tensor> w, String name, long width) {
        w.put(name + ".weight", torch.ones(width));
        w.put(name + ".bias", torch.zeros(width));
    }

    private static void residual(Map<String, Tensor> w, String name, long in, long out) {
        norm(w, name + ".norm1", in);
        conv(w, name + ".conv1", out, in, 3);
        norm(w, name + ".norm2", out);
        conv(w, name + ".conv2", out, out, 3);
        if (in != out) {
            conv(w, name + ".nin_shortcut", out, in, 1);
        }
    }

    private static void attention(Map<String, Tensor> w, String name, long width) {
        norm(w, name + ".norm", width);
        for (String part : new String[] {"q", "k", "v", "proj_out"}) {
            conv(w, name + "." + part, width, width, 1);
        }
    }

    private static void middle(Map<String, Tensor> w, String name, long width) {
        residual(w, name + ".mid.0", width, width);
        attention(w, name + ".mid.1", width);
        residual(w, name + ".mid.2", width, width);
    }

    /** Frees the weights; every later use throws IllegalStateException. */
    @Override
    public void close() {
        weights.close();
    }

    /** The configuration this tokenizer was built from. */
    public VqConfig config() {
        return config;
    }

    /** Latents [batch, embedDim, h, w] before quantisation. */
    public Tensor latents(Tensor images) {
        int levels = config.chMult().length;
        Tensor h = net.conv(images, "encoder.conv_in");
        for (int level = 0; level < levels; level++) {
            String at = layout.encoder() + level;
            for (int i = 0; i < config.resBlocks(); i++) {
                h = net.residual(h, at + layout.block() + i);
                if (layout.attention().test(level)) {
                    h = net.attention(h, at + ".attn." + i);
                }
            }
            if (level < levels - 1) {
                h = net.downsample(h, at + ".downsample");
            }
        }
        h = net.output(middle(h, "encoder"), "encoder");
        return net.conv(h, "quant_conv");
    }

    /** The codebook [codebookSize, embedDim] as it is compared with, normalised where the configuration says so. */
    public Tensor codebook() {
        return normalised(weights.get("quantize.embedding.weight", config.codebookSize(), config.embedDim()));
    }

    /**
     * Nearest codebook entries of latents.
     *
     * @return i64 [batch, h * w], row by row
     */
    public Tensor quantise(Tensor latents) {
        Tensor rows = normalised(latents.flatten(2, 3).transpose(1, 2));
        Tensor book = codebook();
        Tensor dots = torch.matmul(rows, book.t());
        Tensor squares = book.square().sum(new long[] {1}, false, NO_TYPE);
        return squares.sub(dots.mul(new Scalar(2.0))).argmin(new LongOptional(-1), false);
    }

    /** Codebook indices i64 [batch, h * w] of images. */
    public Tensor encode(Tensor images) {
        return quantise(latents(images));
    }

    /** Codebook vectors [batch, embedDim, side, side] of indices i64 [batch, side * side]. */
    public Tensor lookUp(Tensor codes) {
        long side = Math.round(Math.sqrt(codes.size(1)));
        return lookUp(codes, side, side);
    }

    /** Codebook vectors [batch, embedDim, rows, columns] of indices i64 [batch, rows * columns]. */
    Tensor lookUp(Tensor codes, long rows, long columns) {
        return torch.embedding(codebook(), codes)
                .transpose(1, 2)
                .contiguous()
                .view(codes.size(0), config.embedDim(), rows, columns);
    }

    /** Images of codebook vectors [batch, embedDim, h, w]. */
    public Tensor decodeVectors(Tensor vectors) {
        int levels = config.chMult().length;
        Tensor h = net.conv(vectors, "post_quant_conv");
        h = middle(net.conv(h, "decoder.conv_in"), "decoder");
        for (int step = 0; step < levels; step++) {
            String at = layout.decoderLevel(step, levels);
            for (int i = 0; i <= config.resBlocks(); i++) {
                h = net.residual(h, at + layout.block() + i);
                if (layout.attention().test(levels - 1 - step)) {
                    h = net.attention(h, at + ".attn." + i);
                }
            }
            if (step < levels - 1) {
                h = net.upsample(h, at + ".upsample");
            }
        }
        return net.output(h, "decoder");
    }

    /** Two residual blocks around attention, at the coarsest resolution. */
    private Tensor middle(Tensor x, String half) {
        Tensor h = net.residual(x, half + layout.middle().get(0));
        h = net.attention(h, half + layout.middle().get(1));
        return net.residual(h, half + layout.middle().get(2));
    }

    /** Images [batch, 3, side, side], nominally in [-1, 1], of codebook indices i64 [batch, h * w]. */
    public Tensor decode(Tensor codes) {
        return decodeVectors(lookUp(codes));
    }

    /** {@code x} on the unit sphere of its last dimension, where the configuration asks for it. */
    public Tensor normalised(Tensor x) {
        if (!config.l2Norm()) {
            return x;
        }
        Tensor squares = x.square().sum(new long[] {-1}, true, NO_TYPE);
        return x.div(squares.sqrt().clamp_min(new Scalar(1e-12)));
    }
}
