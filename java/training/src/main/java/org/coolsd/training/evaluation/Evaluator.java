package org.coolsd.training.evaluation;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.training.data.FashionMnist;

/** Figures of models and pictures over whole sets, computed in batches. */
public final class Evaluator {
    /** What a batch makes lives until its end: at 250 pictures that was 9 GB. */
    private static final int BATCH = 50;
    /** PSNR is taken on grey values from -1 to 1. */
    private static final double RANGE = 2;

    private Evaluator() {}

    /** What is done with one batch. */
    @FunctionalInterface
    private interface Batch {
        Tensor of(long at, long n);
    }

    /** Features f32 [n, Classifier.FEATURES] of pictures f32 [n, 3, 28, 28]. */
    public static Tensor features(Classifier classifier, Tensor pictures) {
        return each(pictures.size(0), (at, n) -> classifier.features(pictures.narrow(0, at, n)));
    }

    /** Share of features [n, Classifier.FEATURES] that the classifier gives their label i64 [n]. */
    public static double accuracy(Classifier classifier, Tensor features, Tensor labels) {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            return classifier
                    .logits(features)
                    .argmax(new org.bytedeco.pytorch.LongOptional(1), false)
                    .eq(labels)
                    .to(torch.ScalarType.Double)
                    .mean()
                    .item_double();
        }
    }

    /** Mean over pictures of the peak signal-to-noise ratio in dB of encoding and decoding f32 [n, 3, 28, 28]. */
    public static double reconstruction(VqTokenizer tokenizer, Tensor pictures) {
        return each(pictures.size(0), (at, n) -> {
                    Tensor all = pictures.narrow(0, at, n);
                    Tensor decoded = tokenizer.decode(tokenizer.encode(all));
                    Tensor error = decoded.sub(all).square().mean(1, 2, 3);
                    return error.log10().mul(new Scalar(-10)).add(new Scalar(20 * Math.log10(RANGE)));
                })
                .mean()
                .item_double();
    }

    /**
     * Mean negative log-likelihood in nats per token.
     *
     * @param tokens i64 [n, blockSize]
     * @param labels i64 [n]
     */
    public static double negativeLogLikelihood(LlamaGen target, Tensor tokens, Tensor labels) {
        return each(tokens.size(0), (at, n) -> {
                    Tensor images = tokens.narrow(0, at, n);
                    Tensor features = target.features(labels.narrow(0, at, n), images.narrow(1, 0, images.size(1) - 1));
                    return torch.cross_entropy_loss(target.logits(features).flatten(0, 1), images.flatten())
                            .mul(new Scalar((double) n))
                            .reshape(1);
                })
                .sum()
                .div(new Scalar((double) tokens.size(0)))
                .item_double();
    }

    /** All pictures of {@code data}, f32 [n, 3, 28, 28]. */
    public static Tensor pictures(FashionMnist data) {
        return each(data.size(), (at, n) -> {
            long[] indices = new long[(int) n];
            for (int i = 0; i < n; i++) {
                indices[i] = at + i;
            }
            return data.pictures(Tensors.of(indices, n));
        });
    }

    private static Tensor each(long size, Batch batch) {
        TensorVector parts = new TensorVector();
        try (NoGradGuard guard = new NoGradGuard()) {
            for (long at = 0; at < size; at += BATCH) {
                long n = Math.min(BATCH, size - at);
                Tensor part;
                try (PointerScope scope = new PointerScope()) {
                    part = batch.of(at, n).contiguous();
                    part.retainReference();
                }
                parts.push_back(part);
                part.releaseReference();
            }
            return torch.cat(parts, 0);
        }
    }
}
