package org.coolsd.images;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Sampling;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.eagle.EagleModel;
import org.coolsd.models.llamagen.LlamaGenTarget;
import org.coolsd.models.llamagen.TargetForward;
import org.coolsd.models.vq.VqTokenizer;

/** The three models that make an image, loaded: target, drafter and tokenizer. Shared by any number of decoders. */
public final class ImageModel implements AutoCloseable {
    private final ModelFolder folder;
    private final TargetForward target;
    private final DrafterForward drafter;
    private final VqTokenizer tokenizer;

    private ImageModel(ModelFolder folder, TargetForward target, DrafterForward drafter, VqTokenizer tokenizer) {
        this.folder = folder;
        this.target = target;
        this.drafter = drafter;
        this.tokenizer = tokenizer;
    }

    /**
     * Reads the weights.
     *
     * @param precision of the matrix products of target and drafter; the tokenizer is f32
     * @param placement of target, drafter and verifier; the tokenizer is on the CPU
     * @throws IOException in one line if a file is missing, damaged, or does not fit config.json
     */
    public static ImageModel load(ModelFolder folder, Precision precision, Placement placement) throws IOException {
        ModelFolder.Config config = folder.config();
        List<AutoCloseable> made = new ArrayList<>();
        try {
            TargetForward target =
                    folder.build("target", w -> new TargetForward(config.target(), w, precision, placement));
            made.add(target);
            DrafterForward drafter =
                    folder.build("drafter", w -> new DrafterForward(config.drafter(), w, precision, target));
            made.add(drafter);
            return new ImageModel(
                    folder, target, drafter, folder.keep("tokenizer", w -> new VqTokenizer(config.tokenizer(), w)));
        } catch (IOException | RuntimeException | Error e) {
            for (AutoCloseable model : made) {
                closeAfter(e, model);
            }
            throw e;
        }
    }

    private static void closeAfter(Throwable failure, AutoCloseable model) {
        try {
            model.close();
        } catch (Exception e) {
            failure.addSuppressed(e);
        }
    }

    /** A decoder of this model with its own drafter and one thread, to be closed before it. */
    public ImageDecoder decoder(Sampling sampling, DecoderOptions options) {
        return decoder(eagle(), sampling, options, 1);
    }

    /**
     * A decoder of this model, to be closed before it. It verifies where the model is placed, whatever backend the options name,
     * and has an unconditional branch where the sampling has guidance other than 1.
     *
     * @param drafter where drafts come from; not asked where the draft length is 0
     * @param sampling of target and draft alike
     * @param threads at least 1; two share the branches of one guided image, or the images of a batch
     */
    public ImageDecoder decoder(Drafter<Integer> drafter, Sampling sampling, DecoderOptions options, int threads) {
        return new ImageDecoder(
                new LlamaGenTarget(target, sampling.guidance() != 1, threads),
                options.draftLength() == 0 ? Drafter.none() : drafter,
                sampling,
                options.backend(target.placement().backend()));
    }

    /** The model's own drafter. */
    public Drafter<Integer> eagle() {
        return new EagleModel(drafter);
    }

    /**
     * Frees the weights of all three models.
     *
     * @throws IllegalStateException if a decoder of it is open; nothing is freed then
     */
    @Override
    public void close() {
        target.close();
        drafter.close();
        tokenizer.close();
    }

    /** The folder it was read from. */
    public ModelFolder folder() {
        return folder;
    }

    /** The target. */
    public TargetForward target() {
        return target;
    }

    /** The drafter. */
    public DrafterForward drafter() {
        return drafter;
    }

    /** The tokenizer. */
    public VqTokenizer tokenizer() {
        return tokenizer;
    }

    /**
     * The picture that {@code tokens} stand for.
     *
     * @param tokens in raster order [blockSize]
     */
    public Picture picture(int[] tokens) {
        long[] ids = new long[tokens.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = tokens[i];
        }
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor decoded = tokenizer
                    .decode(Tensors.of(ids, 1, ids.length))
                    .narrow(1, 0, 1)
                    .squeeze()
                    .add(new Scalar(1.0))
                    .mul(new Scalar(127.5))
                    .round()
                    .clamp(new ScalarOptional(new Scalar(0.0)), new ScalarOptional(new Scalar(255.0)))
                    .to(torch.ScalarType.Byte)
                    .contiguous();
            byte[] grey = new byte[(int) decoded.numel()];
            new BytePointer(decoded.data_ptr()).get(grey);
            return new Picture((int) decoded.size(1), (int) decoded.size(0), grey);
        }
    }
}
