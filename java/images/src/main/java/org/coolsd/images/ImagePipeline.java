package org.coolsd.images;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.ImageCodes;
import org.coolsd.models.LoadedDecoder;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.Prompt;

/**
 * The models that make images together, loaded: any target, where its drafts come from, and what makes pictures of its tokens.
 * Shared by any number of decoders, which are closed before it.
 *
 * @param <C> what a sequence is made from
 */
public final class ImagePipeline<C> implements AutoCloseable {
    /** The level of pixels that no token stands for yet. */
    private static final byte UNDECIDED = (byte) 128;

    private final LoadedTarget<C> target;
    private final Drafter<C> drafter;
    private final LoadedDecoder pictures;
    private final Backend backend;
    private final boolean grey;

    private ImagePipeline(
            LoadedTarget<C> target, Drafter<C> drafter, LoadedDecoder pictures, Backend backend, boolean grey) {
        this.target = target;
        this.drafter = drafter;
        this.pictures = pictures;
        this.backend = backend;
        this.grey = grey;
    }

    /**
     * Reads the weights.
     *
     * @param precision of the matrix products of target and drafter; pictures are decoded in f32
     * @param placement of target, drafter and verifier; pictures are decoded on the CPU
     * @throws IOException in one line if a file is damaged, or does not fit its configuration or the target
     */
    public static ImagePipeline<?> load(ImageFolder folder, Precision precision, Placement placement)
            throws IOException {
        // Small, and the first to be wrong: before the target, which takes the time.
        LoadedDecoder pictures = folder.decoder().load();
        try {
            return load(folder, folder.target().load(precision, placement), pictures, placement.backend());
        } catch (IOException | RuntimeException | Error e) {
            pictures.close();
            throw e;
        }
    }

    private static <C> ImagePipeline<C> load(
            ImageFolder folder, LoadedTarget<C> target, LoadedDecoder pictures, Backend backend) throws IOException {
        try {
            Drafter<C> drafter;
            if (folder.drafter().isPresent()) {
                drafter = target.eagle(folder.drafter().get());
            } else if (folder.drafts() instanceof Drafts.Jacobi) {
                drafter = Drafter.jacobi();
            } else if (folder.drafts() instanceof Drafts.Coupled) {
                drafter = Drafter.coupled();
            } else {
                drafter = Drafter.none();
            }
            return new ImagePipeline<>(target, drafter, pictures, backend, folder.grey());
        } catch (IOException | RuntimeException | Error e) {
            target.close();
            throw e;
        }
    }

    /** Where tokens are verified: where the target computes. */
    public Backend backend() {
        return backend;
    }

    /** Where its drafts come from; it lives as long as the target. */
    public Drafter<C> drafter() {
        return drafter;
    }

    /** The target. */
    public LoadedTarget<C> target() {
        return target;
    }

    /**
     * A decoder of this model, to be closed before it. It verifies where the target computes, whatever the options say; with a
     * draft length of 0 it samples from the target alone.
     *
     * @param guided whether requests have a guidance scale other than 1
     * @param threads at least 1
     */
    public Decoder<C> decoder(boolean guided, int threads, DecoderOptions options) {
        return decoder(guided, threads, options.draftLength() == 0 ? Drafter.none() : drafter, options);
    }

    /** As {@link #decoder(boolean, int, DecoderOptions)}, with drafts from elsewhere. */
    public Decoder<C> decoder(boolean guided, int threads, Drafter<C> drafts, DecoderOptions options) {
        return new Decoder<>(target.model(guided, threads), drafts, options.backend(backend));
    }

    /**
     * The request of an image.
     *
     * @throws IllegalArgumentException in one line, if the model makes no images of such a prompt
     */
    public Request<C> request(Prompt prompt, long seed, Sampling sampling) throws IOException {
        C condition = target.condition(prompt);
        return Request.of(condition, seed, sampling, target.length(condition));
    }

    /**
     * Requests {@code first..first + count - 1} of an endless row that takes the classes in turn.
     *
     * @param classes how many there are
     * @param seed of request 0; request i has seed + i
     */
    public List<Request<C>> inTurn(int classes, long first, int count, long seed, Sampling sampling)
            throws IOException {
        List<Request<C>> requests = new ArrayList<>(count);
        for (long i = first; i < first + count; i++) {
            requests.add(request(new Prompt.Label((int) (i % classes)), seed + i, sampling));
        }
        return requests;
    }

    /**
     * Checks the size that a text asks for against what the model makes of it, where the condition does not hold it.
     *
     * @throws IllegalArgumentException in one line, with the size that it makes
     */
    public void requireSize(Prompt.Text asked, C condition) {
        ImageCodes codes = target.blank(condition);
        int width = codes.columns() * pictures.scale();
        int height = codes.rows() * pictures.scale();
        if (asked.width() != 0 && asked.width() != width || asked.height() != 0 && asked.height() != height) {
            throw new IllegalArgumentException("the size is " + asked.width() + "x" + asked.height()
                    + "; this model makes images of " + width + "x" + height + " only");
        }
    }

    /**
     * Checks before any image is made that one grid has room for them.
     *
     * @param condition of an image; the others are as large
     * @throws IllegalArgumentException in one line, with the number that has room
     */
    public void requireRoom(int count, C condition) {
        ImageCodes codes = target.blank(condition);
        ImageGrid.requireRoom(count, codes.columns() * pictures.scale(), codes.rows() * pictures.scale(), grey ? 1 : 3);
    }

    /**
     * The picture that the tokens of a request stand for.
     *
     * @throws IllegalArgumentException in one line, if they are no image of this model's
     */
    public Picture picture(C condition, int[] tokens) {
        return picture(target.codes(condition, tokens));
    }

    /**
     * The picture of an image that is not complete: what is not decided is of an even grey.
     *
     * @param tokens the first {@code count} are decided
     */
    public Picture partial(C condition, int[] tokens, int count) {
        int[] decided = target.firstCodes(condition, tokens, count);
        ImageCodes whole = target.blank(condition);
        System.arraycopy(decided, 0, whole.indices(), 0, decided.length);
        Picture picture = picture(whole);
        for (int cell = decided.length; cell < whole.indices().length; cell++) {
            int first = (cell / whole.columns() * picture.width() + cell % whole.columns()) * pictures.scale();
            for (int row = 0; row < pictures.scale(); row++) {
                int at = (first + row * picture.width()) * picture.channels();
                Arrays.fill(picture.levels(), at, at + pictures.scale() * picture.channels(), UNDECIDED);
            }
        }
        return picture;
    }

    /** Cells of codes that an image has. */
    public ImageCodes cells(C condition) {
        return target.blank(condition);
    }

    /** Pixels of a code, along each side. */
    public int scale() {
        return pictures.scale();
    }

    private Picture picture(ImageCodes codes) {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor decoded = pictures.decode(codes);
            Tensor levels = (grey ? decoded.narrow(0, 0, 1) : decoded)
                    .permute(1, 2, 0)
                    .add(new Scalar(1.0))
                    .mul(new Scalar(127.5))
                    .round()
                    .clamp(new ScalarOptional(new Scalar(0.0)), new ScalarOptional(new Scalar(255.0)))
                    .to(torch.ScalarType.Byte)
                    .contiguous();
            byte[] pixels = new byte[(int) levels.numel()];
            new BytePointer(levels.data_ptr()).get(pixels);
            return new Picture((int) levels.size(1), (int) levels.size(0), (int) levels.size(2), pixels);
        }
    }

    /**
     * Frees the weights of all models.
     *
     * @throws IllegalStateException if a decoder of it is open; nothing is freed then
     */
    @Override
    public void close() {
        target.close();
        pictures.close();
    }
}
