package org.coolsd.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.function.LongConsumer;
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
import org.coolsd.models.Prompt;
import org.coolsd.models.llamagen.LlamaGenComponent;

/**
 * Images that a class-conditional target makes itself, as tokens: what a drafter learns from where there are no pictures.
 * They are sampled as the model's authors do, the classes in turn, and kept in a file that grows: image i has class i modulo
 * the number of classes and seed S + i, so that it is the same one whenever it is made.
 */
public final class TargetSamples {
    /** Images side by side. */
    public static final int SLOTS = 8;

    private static final long SAVE_EVERY_NANOS = 60_000_000_000L;
    private final Path file;
    private final LlamaGenComponent target;
    private final long seed;

    /**
     * @param file where they are kept; read if it is there, written every minute and at the end
     * @param target a model by class
     * @param seed S
     */
    public TargetSamples(Path file, LlamaGenComponent target, long seed) {
        this.file = file;
        this.target = target;
        this.seed = seed;
    }

    /**
     * The images that are kept already.
     *
     * @return i64 [images, blockSize]
     * @throws CheckpointException in one line, if the file is damaged or has images of another target or seed
     */
    public Tensor kept() throws IOException {
        int length = target.config().blockSize();
        if (!Files.exists(file)) {
            return Tensors.of(new long[0], 0, length);
        }
        Safetensors saved = Safetensors.read(file);
        TensorData tokens = saved.tensors().get("tokens");
        if (tokens == null
                || tokens.shape().length != 2
                || tokens.shape()[1] != length
                || !metadata().equals(saved.metadata())) {
            throw new CheckpointException(
                    file,
                    "not the images of this target with seed " + seed + "; remove the folder "
                            + file.toAbsolutePath().getParent() + " to begin anew");
        }
        return TensorFiles.load(saved.tensors()).get("tokens").to(ScalarType.Long);
    }

    /**
     * Images 0 to {@code count - 1}; those that are not kept are sampled first.
     *
     * @param precision of the matrix products to sample with
     * @param threads at least 1; they share the images of a batch
     * @param progress hears how many tokens of them there are, after each one
     * @return i64 [count, blockSize]
     * @throws IOException in one line, if the target cannot be loaded or sampled from, or the file not be written
     */
    public Tensor read(int count, Precision precision, int threads, LongConsumer progress) throws IOException {
        Tensor images = kept();
        if (images.size(0) < count) {
            try (LoadedTarget<?> loaded = target.load(precision, Placement.cpu())) {
                images = sample(loaded, images, count, threads, progress);
            } catch (CompletionException e) {
                throw new IOException(
                        target.files() + ": cannot sample from it: "
                                + e.getCause().getMessage(),
                        e);
            }
        }
        return images.narrow(0, 0, count);
    }

    private <C> Tensor sample(LoadedTarget<C> loaded, Tensor first, int count, int threads, LongConsumer progress)
            throws IOException {
        Tensor images = first;
        Sampling sampling = loaded.sampling();
        DecoderOptions plain =
                DecoderOptions.of(0).slots(SLOTS).backend(Placement.cpu().backend());
        try (Decoder<C> decoder =
                new Decoder<>(loaded.model(sampling.guidance() != 1, threads), Drafter.none(), plain)) {
            long saved = System.nanoTime();
            while (images.size(0) < count) {
                int from = (int) images.size(0);
                List<Request<C>> requests = new ArrayList<>();
                for (int i = from; i < Math.min(count, from + SLOTS); i++) {
                    C condition = loaded.condition(new Prompt.Label(i % loaded.classes()));
                    requests.add(Request.of(condition, seed + i, sampling, loaded.length(condition)));
                }
                Tensor more = decode(decoder, requests, images.numel(), progress);
                images = torch.cat(new TensorVector(images, more), 0);
                if (images.size(0) >= count || System.nanoTime() - saved > SAVE_EVERY_NANOS) {
                    write(images);
                    saved = System.nanoTime();
                }
            }
        }
        return images;
    }

    private static <C> Tensor decode(
            Decoder<C> decoder, List<Request<C>> requests, long before, LongConsumer progress) {
        long[] decided = {before};
        List<Ticket> tickets = new ArrayList<>();
        for (Request<C> request : requests) {
            tickets.add(decoder.submit(request, (position, token) -> progress.accept(++decided[0])));
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
        return Map.of("target", fingerprint(), "seed", Long.toString(seed));
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
