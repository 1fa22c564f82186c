package org.coolsd.models.llamagen;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.Checkpoint;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.libtorch.TensorFiles;
import org.jspecify.annotations.Nullable;

/**
 * Captions in a safetensors file, as a text encoder read them: {@value #EMBEDDINGS} [captions, positions, width] of any
 * floating-point type, and {@value #MASK} [captions, positions] of any type, 1 where there is text and 0 where there is padding,
 * which may be on either side. Without a mask there is no padding.
 */
public final class CaptionFile {
    static final String EMBEDDINGS = "caption_embeddings";
    static final String MASK = "caption_mask";

    private static final Set<ElementType> FLOATS =
            EnumSet.of(ElementType.F64, ElementType.F32, ElementType.F16, ElementType.BF16);

    private final Path file;
    private final TensorData embeddings;
    private final @Nullable TensorData mask;

    private CaptionFile(Path file, TensorData embeddings, @Nullable TensorData mask) {
        this.file = file;
        this.embeddings = embeddings;
        this.mask = mask;
    }

    /**
     * Reads what the file says of its tensors, and none of their numbers. The file must stay as it is while captions are read.
     *
     * @throws IOException in one line, if the file has no captions
     */
    public static CaptionFile open(Path file) throws IOException {
        Map<String, TensorData> tensors = Checkpoint.read(file);
        TensorData embeddings = tensors.get(EMBEDDINGS);
        TensorData mask = tensors.get(MASK);
        if (embeddings == null) {
            throw new CheckpointException(
                    file, "no tensor '" + EMBEDDINGS + "' [captions, positions, width] in it, so no captions");
        }
        long[] shape = embeddings.shape();
        if (shape.length != 3 || shape[0] == 0 || !FLOATS.contains(embeddings.type())) {
            throw new CheckpointException(
                    file,
                    "tensor '" + EMBEDDINGS + "' has shape " + Arrays.toString(shape)
                            + ", captions are numbers [captions, positions, width]");
        }
        if (mask != null && !Arrays.equals(mask.shape(), new long[] {shape[0], shape[1]})) {
            throw new CheckpointException(
                    file,
                    "tensor '" + MASK + "' has shape " + Arrays.toString(mask.shape()) + ", its captions ask for ["
                            + shape[0] + ", " + shape[1] + "]");
        }
        return new CaptionFile(file, embeddings, mask);
    }

    /** The file. */
    public Path file() {
        return file;
    }

    /** Captions in it. */
    public int count() {
        return (int) Math.min(Integer.MAX_VALUE, embeddings.shape()[0]);
    }

    /**
     * Reads a caption, and nothing of the others.
     *
     * @param index from 0
     * @throws IOException in one line, if there is none, or it is damaged
     */
    Caption read(int index) throws IOException {
        if (index < 0 || index >= embeddings.shape()[0]) {
            throw new CheckpointException(
                    file,
                    "no caption " + index + " in it; its captions are 0.."
                            + (embeddings.shape()[0] - 1));
        }
        Map<String, TensorData> rows = new LinkedHashMap<>();
        rows.put(EMBEDDINGS, new Row(embeddings, index));
        if (mask != null) {
            rows.put(MASK, new Row(mask, index));
        }
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> row = TensorFiles.load(rows);
            return of(row.get(EMBEDDINGS), row.get(MASK));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file, e.getMessage(), e);
        }
    }

    /** One of the tensors that {@code whole} holds along its first dimension. */
    private record Row(TensorData whole, int index) implements TensorData {
        @Override
        public ElementType type() {
            return whole.type();
        }

        @Override
        public long[] shape() {
            long[] shape = whole.shape();
            return Arrays.copyOfRange(shape, 1, shape.length);
        }

        @Override
        public void read(long offset, ByteBuffer into) throws IOException {
            Objects.checkFromIndexSize(offset, into.remaining(), byteSize());
            whole.read(index * byteSize() + offset, into);
        }
    }

    /**
     * The positions that are no padding.
     *
     * @param embeddings [positions, width]
     * @param mask [positions], or null
     * @throws IllegalArgumentException in one line, if there is none, or the mask is none
     */
    static Caption of(Tensor embeddings, @Nullable Tensor mask) {
        int positions = Math.toIntExact(embeddings.size(0));
        int width = Math.toIntExact(embeddings.size(1));
        float[] all = floats(embeddings);
        float[] text = new float[all.length];
        float[] marked = mask == null ? null : floats(mask);
        int kept = 0;
        for (int p = 0; p < positions; p++) {
            if (marked != null && marked[p] != 0 && marked[p] != 1) {
                throw new IllegalArgumentException(
                        "tensor '" + MASK + "' has " + marked[p] + " in it, not only 0 and 1");
            }
            if (marked == null || marked[p] == 1) {
                System.arraycopy(all, p * width, text, kept++ * width, width);
            }
        }
        if (kept == 0) {
            throw new IllegalArgumentException("a caption in it is all padding; even an empty text has one position");
        }
        return new Caption(Arrays.copyOf(text, kept * width), kept, width);
    }

    /** Copies of i64 values [n]. */
    static int[] integers(Tensor tensor) {
        Tensor contiguous = tensor.to(ScalarType.Int).contiguous();
        int[] values = new int[Math.toIntExact(contiguous.numel())];
        new IntPointer(contiguous.data_ptr()).get(values);
        return values;
    }

    private static float[] floats(Tensor tensor) {
        Tensor contiguous = tensor.to(ScalarType.Float).contiguous();
        float[] values = new float[Math.toIntExact(contiguous.numel())];
        new FloatPointer(contiguous.data_ptr()).get(values);
        return values;
    }
}
