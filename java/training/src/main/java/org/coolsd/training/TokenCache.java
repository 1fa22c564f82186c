package org.coolsd.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.training.data.FashionMnist;

/** The training pictures as tokens: encoded once, then kept in a file beside the training state. */
public final class TokenCache {
    private static final int BATCH = 100;

    private TokenCache() {}

    /**
     * Tokens of all pictures, from {@code file} where it exists, else encoded and written there. A tokenizer trained
     * anew needs the file removed.
     *
     * @return i64 [images.size(), tokens per image]
     */
    public static Tensor read(Path file, FashionMnist images, VqTokenizer tokenizer) throws IOException {
        if (!Files.exists(file)) {
            TensorFiles.write(file, Map.of("tokens", encode(images, tokenizer).to(torch.ScalarType.Int)), Map.of());
        }
        return TensorFiles.read(file).get("tokens").to(torch.ScalarType.Long);
    }

    /** Tokens of all pictures, i64 [images.size(), tokens per image]. */
    public static Tensor encode(FashionMnist images, VqTokenizer tokenizer) {
        TensorVector parts = new TensorVector();
        try (NoGradGuard guard = new NoGradGuard()) {
            for (int at = 0; at < images.size(); at += BATCH) {
                long[] indices = new long[(int) Math.min(BATCH, images.size() - at)];
                for (int i = 0; i < indices.length; i++) {
                    indices[i] = at + i;
                }
                Tensor codes;
                try (PointerScope scope = new PointerScope()) {
                    codes = tokenizer.encode(images.pictures(Tensors.of(indices, indices.length)));
                    codes.retainReference();
                }
                parts.push_back(codes);
                codes.releaseReference();
            }
            return torch.cat(parts, 0);
        }
    }
}
