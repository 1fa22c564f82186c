package org.coolsd.checkpoint;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.razorvine.pickle.IObjectConstructor;
import net.razorvine.pickle.PickleException;
import net.razorvine.pickle.Unpickler;

/**
 * The pickle of a torch archive, which runs nothing: tensors become views of their storages, containers become containers,
 * and an object of any other class becomes a {@link Placeholder} that holds its name. What could run code is refused by
 * name. Nothing is registered with the library, whose registry is the whole process's.
 */
final class TorchPickle extends Unpickler {
    /** Modules whose functions run code or reach out of the process; a checkpoint that names one is no checkpoint. */
    private static final Set<String> REFUSED = Set.of(
            "os",
            "posix",
            "nt",
            "sys",
            "subprocess",
            "commands",
            "popen2",
            "shutil",
            "pty",
            "socket",
            "ssl",
            "http",
            "urllib",
            "ftplib",
            "webbrowser",
            "ctypes",
            "importlib",
            "imp",
            "runpy",
            "pkgutil",
            "code",
            "codeop",
            "pdb",
            "bdb",
            "timeit",
            "cProfile",
            "profile",
            "trace",
            "pickle",
            "cPickle",
            "_pickle",
            "marshal",
            "shelve",
            "multiprocessing",
            "threading",
            "asyncio",
            "signal",
            "operator",
            "functools",
            "types",
            "inspect",
            "gc",
            "io",
            "tempfile",
            "pathlib",
            "pip",
            "setuptools",
            "builtins",
            "__builtin__");

    /** What is harmless of the last two. */
    private static final Set<String> PLAIN = Set.of(
            "bool",
            "int",
            "long",
            "float",
            "complex",
            "str",
            "unicode",
            "bytes",
            "bytearray",
            "list",
            "tuple",
            "dict",
            "set",
            "frozenset",
            "slice",
            "range",
            "xrange",
            "object");

    private static final Map<String, IObjectConstructor> KNOWN = new HashMap<>();

    static {
        KNOWN.put("collections.OrderedDict", args -> new LinkedHashMap<>());
        KNOWN.put("torch._utils._rebuild_tensor_v2", StoredTensor::rebuild);
        KNOWN.put("torch._utils._rebuild_parameter", args -> args[0]);
        for (ElementType type : ElementType.values()) {
            KNOWN.put("torch." + type.storage, new StorageClass(type));
        }
    }

    /** An object, or a class, of a kind that is not read; it does nothing. */
    record Placeholder(String name) implements IObjectConstructor {
        @Override
        public Object construct(Object[] args) {
            return this;
        }
    }

    /** The class of a storage, which fixes its element type. */
    private record StorageClass(ElementType type) implements IObjectConstructor {
        @Override
        public Object construct(Object[] args) {
            throw new PickleException("a storage class is called");
        }
    }

    private final TorchArchive archive;

    private TorchPickle(TorchArchive archive) {
        this.archive = archive;
    }

    /**
     * The object that {@code pickle} holds, with tensors as {@link StoredTensor}.
     *
     * @throws CheckpointException if it is damaged, or names what could run code
     */
    static Object read(TorchArchive archive, byte[] pickle) throws IOException {
        try {
            return new TorchPickle(archive).load(new ByteArrayInputStream(pickle));
        } catch (PickleException e) {
            if (e.getCause() instanceof CheckpointException cause) {
                throw cause;
            }
            throw new CheckpointException(archive.file(), "damaged pickle: " + e.getMessage(), e);
        } catch (RuntimeException | IOException e) {
            throw new CheckpointException(archive.file(), "damaged pickle: " + e, e);
        }
    }

    @Override
    protected Object dispatch(short opcode) throws IOException {
        switch (opcode) {
            case 'c' -> {
                String module = line();
                return push(global(module, line()));
            }
            case 0x93 -> {
                Object name = stack.pop();
                return push(global(String.valueOf(stack.pop()), String.valueOf(name)));
            }
            case 'b' -> {
                // The attributes of an object: torch's own hold versions, those of placeholders are not wanted.
                stack.pop();
                return NO_RETURN_VALUE;
            }
            case 'a', 'e', 's', 'u', 0x90 -> {
                return contents(opcode);
            }
            case 'i', 'o', 0x82, 0x83, 0x84 -> throw refused("opcode 0x" + Integer.toHexString(opcode));
            case 'T', 'X', 'B', 0x8b -> requireLeft(4);
            case 0x8d, 0x8e, 0x96 -> requireLeft(8);
            default -> {
                // Plain data.
            }
        }
        return super.dispatch(opcode);
    }

    private Object push(Object value) {
        stack.add(value);
        return NO_RETURN_VALUE;
    }

    private IObjectConstructor global(String module, String name) {
        String full = module + "." + name;
        IObjectConstructor known = KNOWN.get(full);
        if (known != null) {
            return known;
        }
        int dot = module.indexOf('.');
        boolean builtin = module.equals("builtins") || module.equals("__builtin__");
        if (REFUSED.contains(dot < 0 ? module : module.substring(0, dot)) && !(builtin && PLAIN.contains(name))) {
            throw refused("'" + full + "'");
        }
        return new Placeholder(full);
    }

    /** What is put into a container; what is put into a placeholder is dropped. */
    private Object contents(short opcode) throws IOException {
        List<Object> items = new ArrayList<>();
        boolean marked = opcode != 'a' && opcode != 's';
        if (marked) {
            items.addAll(stack.pop_all_since_marker());
        } else {
            for (int i = opcode == 'a' ? 1 : 2; i > 0; i--) {
                items.add(0, stack.pop());
            }
        }
        if (stack.peek() instanceof Placeholder) {
            return NO_RETURN_VALUE;
        }
        if (marked) {
            stack.add_mark();
        }
        items.forEach(stack::add);
        return super.dispatch(opcode);
    }

    /** A length that the rest of the pickle cannot hold is a lie, for which nothing is allocated. */
    private void requireLeft(int bytes) throws IOException {
        input.mark(bytes);
        long length = 0;
        for (int i = 0; i < bytes; i++) {
            long next = input.read();
            if (next < 0) {
                throw new PickleException("it is cut short");
            }
            length |= next << (8 * i);
        }
        int left = input.available();
        input.reset();
        if (length < 0 || length > left) {
            throw new PickleException(
                    "a value of " + Long.toUnsignedString(length) + " bytes in a pickle of " + left + " more");
        }
    }

    private PickleException refused(String what) {
        CheckpointException e = new CheckpointException(
                archive.file(), "the pickle asks for " + what + ", which could run code; no weights need it");
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
        if (!(id instanceof Object[] parts)
                || parts.length < 5
                || !"storage".equals(parts[0])
                || !(parts[1] instanceof IObjectConstructor kind)) {
            throw new PickleException("a storage that is not described as torch describes one");
        }
        ElementType type = kind instanceof StorageClass known ? known.type() : null;
        return new TorchArchive.Storage(
                archive,
                String.valueOf(parts[2]),
                type,
                kind instanceof Placeholder other ? other.name() : kind.toString());
    }
}
