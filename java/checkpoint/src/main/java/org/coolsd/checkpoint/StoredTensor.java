package org.coolsd.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import net.razorvine.pickle.PickleException;

/**
 * A tensor of a torch archive: a view of a storage with an offset and strides, all in elements. It is judged when it turns
 * out to be one of those that are wanted, by {@link #check}; its bytes are read from the file when they are asked for.
 */
final class StoredTensor implements TensorData {
    /** A tensor that repeats its storage may have no more bytes than this: it costs the file nothing to say it is larger. */
    private static final long MOST_REPEATED = 1 << 26;

    private final TorchArchive.Storage storage;
    private final long offset;
    private final long[] shape;
    private final long[] strides;

    private StoredTensor(TorchArchive.Storage storage, long offset, long[] shape, long[] strides) {
        this.storage = storage;
        this.offset = offset;
        this.shape = shape;
        this.strides = strides;
    }

    /** torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, ...). */
    static StoredTensor rebuild(Object[] args) {
        if (args.length < 4
                || !(args[0] instanceof TorchArchive.Storage storage)
                || !(args[1] instanceof Number offset)) {
            throw new PickleException("a tensor that is not described as torch describes one");
        }
        return new StoredTensor(storage, offset.longValue(), longs(args[2]), longs(args[3]));
    }

    private static long[] longs(Object tuple) {
        Object[] values = (Object[]) tuple;
        long[] result = new long[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = ((Number) values[i]).longValue();
        }
        return result;
    }

    /**
     * Whether it lies in its storage.
     *
     * @param name of the tensor, for the message
     * @throws CheckpointException in one line
     */
    void check(String name) throws IOException {
        if (storage.type() == null) {
            throw refused(name, "has elements of " + storage.kind() + ", which are not read");
        }
        int size = storage.type().bytes();
        long elements = storage.type().elements(shape);
        boolean sound = elements >= 0 && offset >= 0 && strides.length == shape.length;
        long last = offset;
        try {
            for (int i = 0; sound && i < shape.length; i++) {
                sound = strides[i] >= 0;
                if (elements > 0) {
                    last = Math.addExact(last, Math.multiplyExact(shape[i] - 1, strides[i]));
                }
            }
            last = Math.multiplyExact(Math.addExact(last, 1), size);
        } catch (ArithmeticException e) {
            sound = false;
        }
        if (!sound) {
            throw refused(name, "has a shape, strides or an offset that no tensor has");
        }
        long held = storage.size();
        if (elements > 0 && last > held) {
            throw refused(name, "reaches to byte " + last + " of storage " + storage.key() + ", which has " + held);
        }
        if (elements * size > Math.max(held, MOST_REPEATED)) {
            throw refused(
                    name,
                    "would have " + elements * size + " bytes, made of the " + held + " of storage " + storage.key());
        }
    }

    private CheckpointException refused(String name, String what) {
        return new CheckpointException(storage.archive().file(), "tensor '" + name + "' " + what);
    }

    @Override
    public ElementType type() {
        return storage.type();
    }

    @Override
    public long[] shape() {
        return shape.clone();
    }

    @Override
    public void read(long from, ByteBuffer into) throws IOException {
        Objects.checkFromIndexSize(from, into.remaining(), byteSize());
        int size = type().bytes();
        if (isContiguous()) {
            storage.read(offset * size + from, into);
            return;
        }
        gather(from, into);
    }

    private boolean isContiguous() {
        long inRow = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            if (shape[i] != 1 && strides[i] != inRow) {
                return false;
            }
            inRow *= shape[i];
        }
        return true;
    }

    /** Element by element from the part of the storage that the tensor spans; no array holds more than 2 GiB of it. */
    private void gather(long from, ByteBuffer into) throws IOException {
        int size = type().bytes();
        long span = 1;
        for (int i = 0; i < shape.length; i++) {
            span += (shape[i] - 1) * strides[i];
        }
        if (!into.hasRemaining()) {
            return;
        }
        if (span * size > Integer.MAX_VALUE - 8) {
            throw new CheckpointException(
                    storage.archive().file(),
                    "a tensor in strides over " + span * size + " bytes of storage " + storage.key()
                            + "; make it contiguous and save it again");
        }
        byte[] spanned = new byte[(int) (span * size)];
        storage.read(offset * size, ByteBuffer.wrap(spanned));
        long[] at = new long[shape.length];
        long element = from / size;
        long source = 0;
        long rest = element;
        for (int i = shape.length - 1; i >= 0; i--) {
            at[i] = rest % shape[i];
            rest /= shape[i];
            source += at[i] * strides[i];
        }
        int inElement = (int) (from % size);
        while (into.hasRemaining()) {
            int n = Math.min(size - inElement, into.remaining());
            into.put(spanned, (int) source * size + inElement, n);
            inElement = 0;
            for (int i = shape.length - 1; i >= 0; i--) {
                source += strides[i];
                if (++at[i] < shape[i]) {
                    break;
                }
                source -= shape[i] * strides[i];
                at[i] = 0;
            }
        }
    }
}
