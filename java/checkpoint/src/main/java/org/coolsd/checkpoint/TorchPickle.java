package org.coolsd.checkpoint;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import net.razorvine.pickle.IObjectConstructor;
import net.razorvine.pickle.PickleException;
import net.razorvine.pickle.Unpickler;

/**
 * Reader of {@code torch.save} archives (.pt, .bin, .ckpt): a zip with a pickle and one entry per storage. Globals of
 * the pickle pass an allow-list: tensors, their storages and plain containers. Anything else is refused by name.
 */
final class TorchPickle {
    private TorchPickle() {}

    /**
     * The object an archive holds, with tensors as {@link TensorData}.
     *
     * @throws CheckpointException if the archive is damaged or its pickle names anything but tensors and containers
     */
    static Object read(Path file) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            ZipEntry pickle = null;
            for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
                ZipEntry entry = e.nextElement();
                if (entry.getName().endsWith("/data.pkl")) {
                    pickle = entry;
                }
            }
            if (pickle == null) {
                throw new CheckpointException(file, "a zip without data.pkl, not a torch checkpoint");
            }
            String root = pickle.getName().substring(0, pickle.getName().length() - "data.pkl".length());
            try {
                return new TensorUnpickler(file, zip, root)
                        .loads(zip.getInputStream(pickle).readAllBytes());
            } catch (PickleException e) {
                if (e.getCause() instanceof CheckpointException cause) {
                    throw cause;
                }
                throw new CheckpointException(file, "damaged pickle: " + e.getMessage(), e);
            } catch (RuntimeException e) {
                throw new CheckpointException(file, "damaged pickle: " + e, e);
            }
        } catch (java.util.zip.ZipException e) {
            throw new CheckpointException(file, "damaged archive: " + e.getMessage(), e);
        }
    }

    /** A Python OrderedDict; the attributes that torch hangs on it are dropped. */
    public static final class StateDict extends LinkedHashMap<Object, Object> {
        private static final long serialVersionUID = 1L;

        /** Called by the unpickler for the dictionary's attributes. */
        public void __setstate__(HashMap<String, Object> attributes) {
            // _metadata holds module versions only.
        }
    }

    /** A tensor whose bytes are here. */
    private record InMemory(ElementType type, long[] shape, ByteBuffer bytes) implements TensorData {
        @Override
        public long[] shape() {
            return shape.clone();
        }

        @Override
        public void read(long offset, ByteBuffer into) {
            into.put(bytes.slice(Math.toIntExact(offset), into.remaining()));
        }
    }

    private record Storage(ElementType type, byte[] bytes) {}

    private record StorageClass(ElementType type) implements IObjectConstructor {
        @Override
        public Object construct(Object[] args) {
            throw new PickleException("a storage class is called");
        }
    }

    private static final class TensorUnpickler extends Unpickler {
        private static final Map<String, IObjectConstructor> ALLOWED = new HashMap<>();

        static {
            ALLOWED.put("collections.OrderedDict", args -> new StateDict());
            ALLOWED.put("torch._utils._rebuild_tensor_v2", TensorUnpickler::rebuild);
            ALLOWED.put("torch._utils._rebuild_parameter", args -> args[0]);
            for (ElementType type : ElementType.values()) {
                ALLOWED.put("torch." + type.storage, new StorageClass(type));
            }
            ALLOWED.forEach((name, constructor) -> {
                int dot = name.lastIndexOf('.');
                Unpickler.registerConstructor(name.substring(0, dot), name.substring(dot + 1), constructor);
            });
        }

        private final Path file;
        private final ZipFile zip;
        private final String root;
        private final Map<String, Storage> storages = new HashMap<>();

        TensorUnpickler(Path file, ZipFile zip, String root) {
            this.file = file;
            this.zip = zip;
            this.root = root;
        }

        @Override
        public Object loads(byte[] pickle) throws IOException {
            return load(new ByteArrayInputStream(pickle));
        }

        @Override
        protected Object dispatch(short opcode) throws IOException {
            switch (opcode) {
                case 'c' -> {
                    input.mark(Integer.MAX_VALUE);
                    String name = line() + "." + line();
                    input.reset();
                    if (!ALLOWED.containsKey(name)) {
                        throw refused("'" + name + "'");
                    }
                }
                case 'i', 'o', 0x81, 0x92, 0x93, 0x82, 0x83, 0x84 -> throw refused(
                        "opcode 0x" + Integer.toHexString(opcode));
                default -> {
                    // plain data
                }
            }
            return super.dispatch(opcode);
        }

        private PickleException refused(String what) {
            return wrap(new CheckpointException(
                    file, "the pickle asks for " + what + "; only tensors and plain containers are read"));
        }

        private static PickleException wrap(CheckpointException e) {
            return new PickleException(e.getMessage(), e);
        }

        private String line() throws IOException {
            StringBuilder text = new StringBuilder();
            for (int c = input.read(); c != '\n' && c >= 0; c = input.read()) {
                text.append((char) c);
            }
            return text.toString().trim();
        }

        @Override
        protected Object persistentLoad(Object id) {
            Object[] parts = (Object[]) id;
            if (parts.length < 5 || !"storage".equals(parts[0]) || !(parts[1] instanceof StorageClass type)) {
                throw wrap(new CheckpointException(file, "a storage of an unknown kind"));
            }
            return storages.computeIfAbsent((String) parts[2], key -> {
                ZipEntry entry = zip.getEntry(root + "data/" + key);
                if (entry == null) {
                    throw wrap(new CheckpointException(file, "storage " + key + " is missing"));
                }
                try {
                    byte[] bytes = zip.getInputStream(entry).readAllBytes();
                    return new Storage(type.type(), bytes);
                } catch (IOException e) {
                    throw wrap(new CheckpointException(file, "storage " + key + " is damaged: " + e.getMessage(), e));
                }
            });
        }

        private static Object rebuild(Object[] args) {
            Storage storage = (Storage) args[0];
            ElementType type = storage.type();
            long offset = ((Number) args[1]).longValue();
            long[] shape = longs(args[2]);
            long[] strides = longs(args[3]);
            long last = offset;
            long elements = type.elements(shape);
            for (int i = 0; i < shape.length && elements > 0; i++) {
                last = Math.addExact(last, Math.multiplyExact(shape[i] - 1, strides[i]));
            }
            if (elements < 0 || offset < 0 || (elements > 0 && (last + 1) * type.bytes() > storage.bytes().length)) {
                throw new PickleException("a tensor reaches beyond its storage");
            }
            return new InMemory(type, shape, rowByRow(storage, offset, shape, strides));
        }

        /** The bytes of a tensor that lies in {@code storage} at {@code offset}, in strides of elements. */
        private static ByteBuffer rowByRow(Storage storage, long offset, long[] shape, long[] strides) {
            int size = storage.type().bytes();
            int bytes = Math.toIntExact(storage.type().elements(shape) * size);
            long inRow = 1;
            boolean contiguous = true;
            for (int i = shape.length - 1; i >= 0; i--) {
                contiguous &= shape[i] == 1 || strides[i] == inRow;
                inRow *= shape[i];
            }
            if (bytes == 0 || contiguous) {
                return ByteBuffer.wrap(storage.bytes(), bytes == 0 ? 0 : (int) (offset * size), bytes)
                        .slice();
            }
            byte[] gathered = new byte[bytes];
            long[] at = new long[shape.length];
            long from = offset;
            for (int to = 0; to < bytes; to += size) {
                System.arraycopy(storage.bytes(), (int) from * size, gathered, to, size);
                for (int i = shape.length - 1; i >= 0; i--) {
                    from += strides[i];
                    if (++at[i] < shape[i]) {
                        break;
                    }
                    from -= shape[i] * strides[i];
                    at[i] = 0;
                }
            }
            return ByteBuffer.wrap(gathered);
        }

        private static long[] longs(Object tuple) {
            Object[] values = (Object[]) tuple;
            long[] result = new long[values.length];
            for (int i = 0; i < result.length; i++) {
                result[i] = ((Number) values[i]).longValue();
                if (result[i] < 0) {
                    throw new PickleException("a negative size or stride");
                }
            }
            return result;
        }
    }
}
