package org.coolsd.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * Reader of {@code torch.save} archives (.pt, .bin, .ckpt): a zip with a pickle and one entry per storage. Of the pickle
 * only tensors in dictionaries are taken; see {@link Pickle} for what the rest becomes. Storages stay in the file until a
 * tensor of theirs is read.
 */
final class TorchPickle {
    /** Where training scripts put the weights, in the order in which LlamaGen looks for them. */
    private static final String[] WRAPPERS = {"model", "module", "state_dict"};

    private static final int DEEPEST_WRAPPER = 4;
    private static final int LONGEST_PICKLE = 1 << 26;
    private static final int MOST_DIMENSIONS = 64;
    /** What a tensor may become by repeating its storage, unless the file is larger still. */
    private static final long LARGEST_REPETITION = 1 << 26;

    private final Path file;
    private final ZipDirectory zip;
    private final String root;
    private final long fileSize;

    private TorchPickle(Path file, ZipDirectory zip, String root, long fileSize) {
        this.file = file;
        this.zip = zip;
        this.root = root;
        this.fileSize = fileSize;
    }

    /**
     * The tensors of an archive by name: of its {@code model}, {@code module} or {@code state_dict}, or of itself.
     *
     * @param wanted which names are asked for; other tensors are left out and not judged
     * @throws CheckpointException if the archive is damaged, names what can run code, or holds no tensors
     */
    static Map<String, TensorData> read(Path file, Predicate<String> wanted) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            ZipDirectory zip = new ZipDirectory(file, channel);
            ZipDirectory.Entry pickle = null;
            for (ZipDirectory.Entry entry : zip.entries().values()) {
                if (entry.name().matches("[^/]+/data\\.pkl")) {
                    if (pickle != null) {
                        throw new CheckpointException(
                                file, "holds '" + pickle.name() + "' and '" + entry.name() + "', two checkpoints");
                    }
                    pickle = entry;
                }
            }
            if (pickle == null) {
                throw new CheckpointException(file, "a zip without data.pkl, not a torch checkpoint; unpack it");
            }
            String root = pickle.name().substring(0, pickle.name().length() - "data.pkl".length());
            ZipDirectory.Entry order = zip.entries().get(root + "byteorder");
            if (order != null
                    && !StandardCharsets.US_ASCII
                            .decode(zip.contents(order, 64))
                            .toString()
                            .strip()
                            .equals("little")) {
                throw new CheckpointException(
                        file, "was saved on a big-endian machine; load it in torch and save it as safetensors");
            }
            TorchPickle archive = new TorchPickle(file, zip, root, channel.size());
            try {
                return archive.tensors(Pickle.read(zip.contents(pickle, LONGEST_PICKLE)), wanted);
            } catch (Pickle.Refused e) {
                throw new CheckpointException(file, e.getMessage(), e);
            }
        }
    }

    private Map<String, TensorData> tensors(Object value, Predicate<String> wanted) throws IOException {
        if (!(value instanceof Map<?, ?> map)) {
            throw new CheckpointException(file, "holds no dictionary of tensors; save model.state_dict()");
        }
        Map<?, ?> weights = weights(map, 0);
        if (weights == null) {
            String keys = map.keySet().stream()
                    .filter(String.class::isInstance)
                    .limit(10)
                    .map(Object::toString)
                    .reduce((a, b) -> a + ", " + b)
                    .orElse("none");
            throw new CheckpointException(
                    file, "holds no tensors by itself or under model, module or state_dict; its keys: " + keys);
        }
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        for (Map.Entry<?, ?> e : weights.entrySet()) {
            if (e.getKey() instanceof String name
                    && wanted.test(name)
                    && e.getValue() instanceof Pickle.Call call
                    && isTensor(call)) {
                tensors.put(name, tensor(name, call));
            }
        }
        return tensors;
    }

    /** The dictionary with the weights: the first wrapper's that has any, else {@code map} if it has, else null. */
    private static Map<?, ?> weights(Map<?, ?> map, int depth) {
        if (depth < DEEPEST_WRAPPER) {
            for (String wrapper : WRAPPERS) {
                Map<?, ?> inner = map.get(wrapper) instanceof Map<?, ?> m ? weights(m, depth + 1) : null;
                if (inner != null) {
                    return inner;
                }
            }
        }
        boolean any = map.entrySet().stream()
                .anyMatch(e -> e.getKey() instanceof String && e.getValue() instanceof Pickle.Call c && isTensor(c));
        return any ? map : null;
    }

    /** Whether a call makes a tensor, of whatever kind. */
    private static boolean isTensor(Pickle.Call call) {
        return call.function.matches("torch\\._(utils|tensor)\\._rebuild_.*");
    }

    private TensorData tensor(String name, Pickle.Call call) throws IOException {
        Object[] arguments = call.arguments.items;
        Pickle.Call inner = call;
        if (call.function.startsWith("torch._utils._rebuild_parameter")
                && arguments.length > 0
                && arguments[0] instanceof Pickle.Call data) {
            inner = data;
        } else if (call.function.equals("torch._tensor._rebuild_from_type_v2")
                && arguments.length > 2
                && arguments[0] instanceof Pickle.Global function
                && arguments[2] instanceof Pickle.Tuple data) {
            inner = new Pickle.Call(function.name(), data);
        }
        if (!inner.function.equals("torch._utils._rebuild_tensor_v2")) {
            throw refused(name, "is made by " + inner.function + ", which is not read; save it as a plain tensor");
        }
        arguments = inner.arguments.items;
        if (arguments.length < 4
                || !(arguments[0] instanceof Pickle.Persistent storage)
                || !(arguments[1] instanceof Long offset)
                || !(arguments[2] instanceof Pickle.Tuple shape)
                || !(arguments[3] instanceof Pickle.Tuple strides)
                || shape.items.length != strides.items.length
                || shape.items.length > MOST_DIMENSIONS) {
            throw refused(name, "is not described by storage, offset, shape and strides; download the file again");
        }
        return tensor(name, storage, offset, longs(name, shape), longs(name, strides));
    }

    private TensorData tensor(String name, Pickle.Persistent storage, long offset, long[] shape, long[] strides)
            throws IOException {
        Object[] id = storage.id.items;
        if (id.length < 5
                || !"storage".equals(id[0])
                || !(id[1] instanceof Pickle.Global storageClass)
                || !(id[2] instanceof String key)
                || !(id[4] instanceof Long count)) {
            throw refused(name, "has a storage of an unknown kind; save it as a plain tensor");
        }
        ElementType type = null;
        for (ElementType t : ElementType.values()) {
            if (storageClass.name().equals("torch." + t.storage)) {
                type = t;
            }
        }
        if (type == null) {
            throw refused(name, "has elements of " + storageClass.name() + ", which are not read; save it as float");
        }
        ZipDirectory.Entry entry = zip.entries().get(root + "data/" + key);
        if (entry == null) {
            throw refused(
                    name, "has no storage: entry '" + root + "data/" + key + "' is missing; download the file again");
        }
        if (count < 0 || count > entry.size() / type.bytes()) {
            throw refused(
                    name,
                    "has a storage that does not fit: entry '" + root + "data/" + key + "' should have " + count
                            + " elements and has " + entry.size() + " bytes; download the file again");
        }
        long elements = type.elements(shape);
        long last = elements == 0 ? -1 : last(offset, shape, strides);
        if (elements < 0 || offset < 0 || last >= count) {
            throw refused(
                    name,
                    "of shape " + text(shape) + " and strides " + text(strides) + " at " + offset
                            + " reaches beyond its storage of " + count + " elements; download the file again");
        }
        long bytes = elements * type.bytes();
        if (elements > count && bytes > Math.max(LARGEST_REPETITION, fileSize)) {
            throw refused(
                    name,
                    "of shape " + text(shape) + " repeats " + count + " elements to " + bytes
                            + " bytes, more than 64 MiB and more than the file has; save a clone of it");
        }
        // The innermost dimensions that lie in the storage row by row are copied at once.
        int outer = shape.length;
        long run = 1;
        while (outer > 0 && elements > 0 && (shape[outer - 1] == 1 || strides[outer - 1] == run)) {
            outer--;
            run *= shape[outer];
        }
        long start = zip.start(entry);
        return elements == 0 || outer == 0
                ? new FileTensor(file, type, shape, start + (elements == 0 ? 0 : offset * type.bytes()))
                : new StridedTensor(
                        new MappedBytes(file, start, entry.size()), type, shape, strides, offset, outer, run);
    }

    /** The index of the last element in the storage, or Long.MAX_VALUE if it is larger still. */
    private static long last(long offset, long[] shape, long[] strides) {
        try {
            long last = offset;
            for (int i = 0; i < shape.length; i++) {
                last = Math.addExact(last, Math.multiplyExact(shape[i] - 1, strides[i]));
            }
            return last;
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE;
        }
    }

    private long[] longs(String name, Pickle.Tuple tuple) throws CheckpointException {
        long[] result = new long[tuple.items.length];
        for (int i = 0; i < result.length; i++) {
            if (!(tuple.items[i] instanceof Long n) || n < 0) {
                throw refused(name, "has a size or stride that is not a number from 0 on; download the file again");
            }
            result[i] = n;
        }
        return result;
    }

    private CheckpointException refused(String name, String why) {
        return new CheckpointException(file, "tensor '" + name + "' " + why);
    }

    private static String text(long[] values) {
        return Arrays.toString(values);
    }

    /**
     * A tensor that lies in its storage in strides of elements.
     *
     * @param outer how many dimensions, from the outermost on, are walked by strides
     * @param run how many elements the other dimensions have, one behind the other
     */
    private record StridedTensor(
            MappedBytes storage, ElementType type, long[] shape, long[] strides, long first, int outer, long run)
            implements TensorData {
        @Override
        public long[] shape() {
            return shape.clone();
        }

        @Override
        public void read(long offset, ByteBuffer into) throws IOException {
            Objects.checkFromIndexSize(offset, into.remaining(), byteSize());
            int size = type.bytes();
            // Where the first run stands: its index in every outer dimension, and its first element.
            long[] index = new long[outer];
            long from = first;
            long rest = offset / (run * size);
            for (int i = outer - 1; i >= 0; i--) {
                index[i] = rest % shape[i];
                rest /= shape[i];
                from += index[i] * strides[i];
            }
            long within = offset % (run * size);
            while (into.hasRemaining()) {
                int n = (int) Math.min(into.remaining(), run * size - within);
                storage.copy(from * size + within, n, into);
                within = 0;
                for (int i = outer - 1; i >= 0; i--) {
                    from += strides[i];
                    if (++index[i] < shape[i]) {
                        break;
                    }
                    from -= shape[i] * strides[i];
                    index[i] = 0;
                }
            }
        }
    }
}
