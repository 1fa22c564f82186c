package org.coolsd.models.llamagen;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.libtorch.TensorFiles;

/**
 * Captions in a safetensors file, as a text encoder read them: {@value #EMBEDDINGS} [captions, positions, width] of any
 * floating-point type, and {@value #MASK} [captions, positions] of any type, 1 where there is text and 0 where there is padding,
 * which may be on either side. Without a mask there is no padding.
 */
final class CaptionFile {
    static final String EMBEDDINGS = "caption_embeddings";
    static final String MASK = "caption_mask";

    private CaptionFile() {}

    /**
     * Reads a caption.
     *
     * @param index from 0
     * @throws IOException in one line, if there is none, or the file has no captions
     */
    static Caption read(Path file, int index) throws IOException {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = TensorFiles.read(file);
            Tensor embeddings = tensors.get(EMBEDDINGS);
            Tensor mask = tensors.get(MASK);
            if (embeddings == null) {
                throw new CheckpointException(
                        file, "no tensor '" + EMBEDDINGS + "' [captions, positions, width] in it, so no captions");
            }
            if (embeddings.dim() != 3 || !embeddings.is_floating_point()) {
                throw new CheckpointException(
                        file,
                        "tensor '" + EMBEDDINGS + "' has shape " + Arrays.toString(shape(embeddings))
                                + ", captions are numbers [captions, positions, width]");
            }
            if (mask != null
                    && (mask.dim() != 2 || mask.size(0) != embeddings.size(0) || mask.size(1) != embeddings.size(1))) {
                throw new CheckpointException(
                        file,
                        "tensor '" + MASK + "' has shape " + Arrays.toString(shape(mask)) + ", its captions ask for ["
                                + embeddings.size(0) + ", " + embeddings.size(1) + "]");
            }
            if (index < 0 || index >= embeddings.size(0)) {
                throw new CheckpointException(
                        file, "no caption " + index + " in it; its captions are 0.." + (embeddings.size(0) - 1));
            }
            return of(file, embeddings.select(0, index), mask == null ? null : mask.select(0, index));
        }
    }

    /** The positions of embeddings [positions, width] that are no padding. */
    private static Caption of(Path file, Tensor embeddings, Tensor mask) throws CheckpointException {
        int positions = Math.toIntExact(embeddings.size(0));
        int width = Math.toIntExact(embeddings.size(1));
        float[] all = floats(embeddings);
        float[] text = new float[all.length];
        float[] marked = mask == null ? null : floats(mask);
        int kept = 0;
        for (int p = 0; p < positions; p++) {
            if (marked != null && marked[p] != 0 && marked[p] != 1) {
                throw new CheckpointException(
                        file, "tensor '" + MASK + "' has " + marked[p] + " in it, not only 0 and 1");
            }
            if (marked == null || marked[p] == 1) {
                System.arraycopy(all, p * width, text, kept++ * width, width);
            }
        }
        if (kept == 0) {
            throw new CheckpointException(file, "a caption in it is all padding; even an empty text has one position");
        }
        return new Caption(Arrays.copyOf(text, kept * width), kept, width);
    }

    private static float[] floats(Tensor tensor) {
        Tensor contiguous = tensor.to(ScalarType.Float).contiguous();
        float[] values = new float[Math.toIntExact(contiguous.numel())];
        FloatBuffer buffer =
                new FloatPointer(contiguous.data_ptr()).capacity(values.length).asBuffer();
        buffer.get(values);
        return values;
    }

    private static long[] shape(Tensor tensor) {
        long[] shape = new long[(int) tensor.dim()];
        Arrays.setAll(shape, tensor::size);
        return shape;
    }
}
