package org.coolsd.libtorch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.Checkpoint;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.Safetensors;
import org.coolsd.checkpoint.TensorData;

/** LibTorch tensors from checkpoints and back, on the CPU. */
public final class TensorFiles {
    /** Bytes that are copied at once: an array or a buffer has room for fewer than a tensor. */
    private static final long CHUNK = 1 << 28;

    /** Elements that are converted at once. */
    private static final long CONVERTED = 1 << 20;

    private TensorFiles() {}

    /**
     * The tensors of {@code file}, which has any of the formats that {@link Checkpoint#read} tells apart.
     *
     * @return tensors by name, owned by the caller
     * @throws org.coolsd.checkpoint.CheckpointException in one line: no such file, damaged, or not a checkpoint
     */
    public static Map<String, Tensor> read(Path file) throws IOException {
        return load(Checkpoint.read(file));
    }

    /**
     * As {@link #read(Path)}, every tensor converted to {@code type} as its bytes are read: beside the results there is never
     * more than a piece of one tensor in memory, of which the heap holds nothing.
     */
    public static Map<String, Tensor> read(Path file, ScalarType type) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, TensorData> e : Checkpoint.read(file).entrySet()) {
            tensors.put(e.getKey(), load(e.getValue(), type));
        }
        return tensors;
    }

    /** Copies of {@code stored}, in its order; owned by the caller. */
    public static Map<String, Tensor> load(Map<String, TensorData> stored) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, TensorData> e : stored.entrySet()) {
            tensors.put(e.getKey(), load(e.getValue()));
        }
        return tensors;
    }

    private static Tensor load(TensorData stored) throws IOException {
        Tensor tensor = empty(stored.shape(), scalarType(stored.type()));
        long bytes = stored.byteSize();
        for (long done = 0; done < bytes; done += CHUNK) {
            stored.read(done, window(tensor, done, Math.min(CHUNK, bytes - done)));
        }
        return tensor;
    }

    /** A copy of {@code stored}, converted to {@code type} piece by piece. */
    static Tensor load(TensorData stored, ScalarType type) throws IOException {
        ScalarType from = scalarType(stored.type());
        if (from == type.intern()) {
            return load(stored);
        }
        Tensor tensor = empty(stored.shape(), type);
        long size = stored.type().bytes();
        long elements = stored.byteSize() / size;
        try (PointerScope scope = new PointerScope()) {
            Tensor flat = tensor.view(-1);
            Tensor piece = empty(new long[] {Math.min(CONVERTED, elements)}, from);
            for (long done = 0; done < elements; done += CONVERTED) {
                long n = Math.min(CONVERTED, elements - done);
                stored.read(done * size, window(piece, 0, n * size));
                try (PointerScope views = new PointerScope()) {
                    flat.narrow(0, done, n).copy_(piece.narrow(0, 0, n));
                }
            }
        }
        return tensor;
    }

    /** Rows {@code first..first + n - 1} of a stored matrix, in its type. */
    static Tensor rows(TensorData stored, long first, long n) throws IOException {
        long columns = stored.shape()[1];
        long row = columns * stored.type().bytes();
        Tensor rows = empty(new long[] {n, columns}, scalarType(stored.type()));
        long bytes = n * row;
        for (long done = 0; done < bytes; done += CHUNK) {
            stored.read(first * row + done, window(rows, done, Math.min(CHUNK, bytes - done)));
        }
        return rows;
    }

    /** Memory that is not written to until the tensor's bytes are read into it. */
    static Tensor empty(long[] shape, ScalarType type) {
        return torch.empty(shape, new TensorOptions(type), new MemoryFormatOptional());
    }

    /**
     * Writes {@code tensors} in the map's order as safetensors; the file appears whole or not at all.
     *
     * @param metadata strings that are kept with them
     * @throws IllegalArgumentException if a tensor's type is none that safetensors has
     */
    public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        try (PointerScope scope = new PointerScope()) {
            Map<String, TensorData> stored = new LinkedHashMap<>();
            tensors.forEach((name, t) -> stored.put(
                    name, new Stored(elementType(t.scalar_type()), t.detach().contiguous())));
            Safetensors.write(file, stored, metadata);
        }
    }

    /** A contiguous tensor to be written. */
    private record Stored(ElementType type, Tensor tensor) implements TensorData {
        @Override
        public long[] shape() {
            return Weights.shape(tensor);
        }

        @Override
        public void read(long offset, ByteBuffer into) {
            Objects.checkFromIndexSize(offset, into.remaining(), byteSize());
            into.put(window(tensor, offset, into.remaining()));
        }
    }

    /** Some bytes of a tensor. A pointer's position would be the buffer's, which has none of 2 GiB and more. */
    private static ByteBuffer window(Tensor tensor, long offset, long bytes) {
        BytePointer first = tensor.data_ptr().getPointer(BytePointer.class, offset);
        return first.capacity(bytes).asByteBuffer();
    }

    private static ScalarType scalarType(ElementType type) {
        return switch (type) {
            case F64 -> ScalarType.Double;
            case F32 -> ScalarType.Float;
            case F16 -> ScalarType.Half;
            case BF16 -> ScalarType.BFloat16;
            case I64 -> ScalarType.Long;
            case I32 -> ScalarType.Int;
            case I16 -> ScalarType.Short;
            case I8 -> ScalarType.Char;
            case U8 -> ScalarType.Byte;
            case BOOL -> ScalarType.Bool;
        };
    }

    private static ElementType elementType(ScalarType torchType) {
        for (ElementType type : ElementType.values()) {
            if (scalarType(type) == torchType.intern()) {
                return type;
            }
        }
        throw new IllegalArgumentException("tensors of type " + torchType + " cannot be stored");
    }
}
