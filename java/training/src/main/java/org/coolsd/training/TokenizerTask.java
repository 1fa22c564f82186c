package org.coolsd.training;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.vq.VqConfig;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.training.data.FashionMnist;

/**
 * The VQ tokenizer: squared error of the reconstruction plus the codebook and commitment terms of VQ-VAE (van den Oord
 * et al. 2017), gradients straight through the quantiser.
 */
public final class TokenizerTask implements TrainingTask {
    private static final double COMMITMENT = 0.25;
    private final FashionMnist data;
    private final Weights weights;
    private final VqTokenizer tokenizer;

    /** A fresh tokenizer over {@code data}; LibTorch's generator gives the initial weights. */
    public TokenizerTask(FashionMnist data, VqConfig config) {
        this.data = data;
        this.weights = VqTokenizer.initialise(config);
        weights.trainable();
        this.tokenizer = new VqTokenizer(config, weights);
    }

    @Override
    public Weights weights() {
        return weights;
    }

    @Override
    public long examples() {
        return data.size();
    }

    @Override
    public Tensor loss(Tensor indices) {
        Tensor pictures = data.pictures(indices);
        Tensor latents = tokenizer.latents(pictures);
        Tensor places = tokenizer.normalised(latents.permute(0, 2, 3, 1)).permute(0, 3, 1, 2);
        Tensor vectors = tokenizer.lookUp(tokenizer.quantise(latents));
        Tensor through = places.add(vectors.sub(places).detach());
        Tensor error = torch.mse_loss(tokenizer.decodeVectors(through), pictures);
        Tensor codebook = torch.mse_loss(vectors, places.detach());
        Tensor commitment = torch.mse_loss(places, vectors.detach());
        return error.add(codebook).add(commitment.mul(new Scalar(COMMITMENT)));
    }
}
