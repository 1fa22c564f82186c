package org.coolsd.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Sampling;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.checkpoint.Safetensors;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Ticket;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.TargetComponent;

/**
 * Images that a target makes itself, as tokens: what a drafter learns from where there are no pictures. They are sampled as the
 * model's authors do, the prompts in turn, and kept in a file that grows: image i has seed S + i, so that it is the same one
 * whenever it is made.
 */
public final class TargetSamples {
    /** The most images side by side. */
    public static final int SLOTS = 8;

    private static final long SAVE_EVERY_NANOS = 60_000_000_000L;
    private final Path file;
    private final TargetComponent target;
    private final SamplePrompts prompts;
    private final long seed;

    /** Told after every token. */
    public interface Listener {
        /** So many tokens of {@code all} are there. */
        void decided(long tokens, long all);
    }

    /**
     * @param file where they are kept; read if it is there, written every minute and at the end
     * @param prompts what they show
     * @param seed S
     */
    public TargetSamples(Path file, TargetComponent target, SamplePrompts prompts, long seed) {
        this.file = file;
        this.target = target;
        this.prompts = prompts;
        this.seed = seed;
    }

    /**
     * The images that are kept already.
     *
     * @return i64 [images, length]; [0, 0] if there are none
     * @throws CheckpointException in one line, if the file is damaged or has images of another target, seed or prompts
     */
    public Tensor kept() throws IOException {
        if (!Files.exists(file)) {
            return Tensors.of(new long[0], 0, 0);
        }
        Safetensors saved = Safetensors.read(file);
        TensorData tokens = saved.tensors().get("tokens");
        if (tokens == null || tokens.shape().length != 2 || !metadata().equals(saved.metadata())) {
            throw others();
        }
        return TensorFiles.load(saved.tensors()).get("tokens").to(ScalarType.Long);
    }

    private CheckpointException others() {
        return new CheckpointException(
                file,
                "not the images of this target with seed " + seed
                        + (prompts.fingerprint().isEmpty() ? "" : " and these prompts") + "; remove the folder "
                        + file.toAbsolutePath().getParent() + " to begin anew");
    }

    /**
     * Images 0 to {@code count - 1}; those that are not kept are sampled first.
     *
     * @param precision of the matrix products to sample with
     * @param threads at least 1; they share the images of a batch
     * @param slots images side by side, at least 1
     * @return i64 [count, length], tokens of the decoding loop
     * @throws IOException in one line, if the target cannot be loaded or sampled from, or the file not be written
     */
    public Tensor read(int count, Precision precision, int threads, int slots, Listener progress) throws IOException {
        Tensor images = kept();
        if (images.size(0) < count) {
            try (LoadedTarget<?> loaded = target.load(precision, Placement.cpu())) {
                images = sample(loaded, images, count, threads, slots, progress);
            } catch (CompletionException e) {
                throw new IOException(
                        target.files() + ": cannot sample from it: "
                                + e.getCause().getMessage(),
                        e);
            }
        }
        return images.narrow(0, 0, count);
    }

    private <C> Tensor sample(
            LoadedTarget<C> loaded, Tensor first, int count, int threads, int slots, Listener progress)
            throws IOException {
        Tensor images = first;
        Sampling sampling = loaded.sampling();
        DecoderOptions plain =
                DecoderOptions.of(0).slots(slots).backend(Placement.cpu().backend());
        int length = loaded.length(loaded.condition(prompts.of(0, loaded)));
        if (images.size(0) > 0 && images.size(1) != length) {
            throw others();
        }
        long all = (long) count * length;
        try (Decoder<C> decoder =
                new Decoder<>(loaded.model(sampling.guidance() != 1, threads), Drafter.none(), plain)) {
            long saved = System.nanoTime();
            while (images.size(0) < count) {
                int from = (int) images.size(0);
                List<Request<C>> requests = new ArrayList<>();
                for (int i = from; i < Math.min(count, from + slots); i++) {
                    C condition = loaded.condition(prompts.of(i, loaded));
                    if (loaded.length(condition) != length) {
                        throw new IllegalArgumentException("image " + i + " has " + loaded.length(condition)
                                + " tokens and image 0 has " + length + "; all must be of one size");
                    }
                    requests.add(Request.of(condition, seed + i, sampling, length));
                }
                Tensor more = decode(decoder, requests, images.numel(), all, progress);
                images = from == 0 ? more : torch.cat(new TensorVector(images, more), 0);
                if (images.size(0) >= count || System.nanoTime() - saved > SAVE_EVERY_NANOS) {
                    write(images);
                    saved = System.nanoTime();
                }
            }
        }
        return images;
    }

    private static <C> Tensor decode(
            Decoder<C> decoder, List<Request<C>> requests, long before, long all, Listener progress) {
        long[] decided = {before};
        List<Ticket> tickets = new ArrayList<>();
        for (Request<C> request : requests) {
            tickets.add(decoder.submit(request, (position, token) -> progress.decided(++decided[0], all)));
        }
        boolean more = true;
        while (more) {
            more = decoder.step();
        }
        int length = requests.get(0).length();
        long[] tokens = new long[tickets.size() * length];
        for (int i = 0; i < tickets.size(); i++) {
            int[] one = tickets.get(i).result().join().tokens();
            for (int j = 0; j < length; j++) {
                tokens[i * length + j] = one[j];
            }
        }
        return Tensors.of(tokens, tickets.size(), length);
    }

    private void write(Tensor images) throws IOException {
        try (PointerScope scope = new PointerScope()) {
            TensorFiles.write(file, Map.of("tokens", images.to(ScalarType.Int)), metadata());
        }
    }

    /** What tells whose images these are. */
    private Map<String, String> metadata() throws IOException {
        Map<String, String> metadata = new HashMap<>(Map.of("target", fingerprint(), "seed", Long.toString(seed)));
        if (!prompts.fingerprint().isEmpty()) {
            metadata.put("prompts", prompts.fingerprint());
        }
        return metadata;
    }

    /** A checksum of the target's vectors, its norms, which training moves like all else; they are little to read. */
    private String fingerprint() throws IOException {
        CRC32 sum = new CRC32();
        for (Map.Entry<String, TensorData> e : new TreeMap<>(target.files().stored()).entrySet()) {
            if (e.getValue().shape().length == 1) {
                ByteBuffer bytes = ByteBuffer.allocateDirect((int) e.getValue().byteSize());
                e.getValue().read(0, bytes);
                sum.update(e.getKey().getBytes(StandardCharsets.UTF_8));
                sum.update(bytes.flip());
            }
        }
        return Long.toHexString(sum.getValue());
    }
}
