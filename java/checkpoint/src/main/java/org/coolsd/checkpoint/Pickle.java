package org.coolsd.checkpoint;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reader of pickles of protocols 2 to 4 that runs nothing: what Python would call becomes a {@link Call}, a description,
 * and names that can run code are refused. It has no state outside one call of {@link #read}.
 *
 * <p>None, booleans, integers, floats and strings become null, {@link Boolean}, {@link Long}, {@link Double} and
 * {@link String}; dictionaries {@link LinkedHashMap}, lists {@link ArrayList}, tuples {@link Tuple}; the rest (bytes, sets,
 * integers beyond 64 bits) {@link Opaque}.
 */
final class Pickle {
    /** A pickle that is damaged, or that asks for what is never read. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }

    /** A name that Python would import. */
    record Global(String name) {}

    /** A tuple. Two are equal if they are the same. */
    static final class Tuple {
        final Object[] items;

        Tuple(Object... items) {
            this.items = items;
        }
    }

    /** What the {@link Global} called {@code function} would return; equal only to itself, whatever it is made of. */
    static final class Call {
        final String function;
        final Tuple arguments;

        Call(String function, Tuple arguments) {
            this.function = function;
            this.arguments = arguments;
        }
    }

    /** What stands outside the pickle under an identifier: a storage. */
    static final class Persistent {
        final Tuple id;

        Persistent(Tuple id) {
            this.id = id;
        }
    }

    /** A value that no tensor depends on. */
    enum Opaque {
        VALUE
    }

    private enum Mark {
        MARK
    }

    /** Modules that no honest checkpoint names: they reach the system, run code, load it, or make it from data. */
    private static final Set<String> CODE_MODULES = Set.of(
            """
            os posix nt posixpath ntpath nturl2path sys subprocess _posixsubprocess popen2 commands pty shutil platform
            importlib _frozen_importlib imp runpy pkgutil zipimport pickle _pickle cPickle dill cloudpickle joblib marshal shelve
            code codeop bdb pdb cProfile profile trace timeit doctest inspect types ast dis compileall py_compile IPython pydoc
            operator _operator functools _functools itertools gc weakref atexit signal multiprocessing concurrent threading _thread
            asyncio ctypes _ctypes io _io tempfile glob fileinput linecache sqlite3 site pip ensurepip venv distutils setuptools
            socket _socket ssl webbrowser http urllib urllib2 httplib requests ftplib smtplib telnetlib xmlrpc
            """
                    .split("\\s+"));

    /** Functions that no honest checkpoint names, whatever module they are taken from. */
    private static final Set<String> CODE_FUNCTIONS = Set.of(
            """
            eval exec execfile compile open file input raw_input apply breakpoint exit quit memoryview globals locals vars
            getattr setattr delattr __import__ __getattribute__ __subclasses__ __globals__ __builtins__ import_module
            system popen spawn fork execv execve run_module run_path runstring
            load loads _load_from_bytes load_state_dict_from_url
            """
                    .split("\\s+"));

    /** What builtins may be named: types of plain data. */
    private static final Set<String> DATA_BUILTINS = Set.of(
            """
            set frozenset dict list tuple int long float complex bool str unicode bytes bytearray slice range xrange object
            """
                    .split("\\s+"));

    private static final Set<String> MAPS =
            Set.of("collections.OrderedDict", "collections.defaultdict", "builtins.dict");

    private final ByteBuffer in;
    private final ArrayList<Object> stack = new ArrayList<>();
    private final Map<Long, Object> memo = new HashMap<>();
    private long copied;

    private Pickle(ByteBuffer in) {
        this.in = in;
    }

    /**
     * The value of a pickle.
     *
     * @throws Refused if it is damaged, names what can run code, or has an opcode that torch never writes
     */
    static Object read(ByteBuffer pickle) throws Refused {
        Pickle reader = new Pickle(pickle.slice().order(ByteOrder.LITTLE_ENDIAN));
        try {
            while (reader.step()) {
                // step() does it all
            }
            return reader.pop();
        } catch (BufferUnderflowException e) {
            throw new Refused("damaged pickle: it ends before its end mark");
        }
    }

    /** Carries out one opcode; false at the end mark. */
    private boolean step() throws Refused {
        int at = in.position();
        int opcode = in.get() & 0xff;
        switch (opcode) {
            case 0x80 -> { // PROTO
                int protocol = in.get() & 0xff;
                if (protocol < 2 || protocol > 4) {
                    throw new Refused("a pickle of protocol " + protocol + "; save it with pickle_protocol=2");
                }
            }
            case 0x95 -> in.getLong(); // FRAME: its length is of no use here
            case '.' -> {
                return false;
            }
            case '(' -> stack.add(Mark.MARK);
            case '0' -> pop();
            case '1' -> toMark();
            case '2' -> stack.add(top());
            case 'N' -> stack.add(null);
            case 0x88 -> stack.add(true);
            case 0x89 -> stack.add(false);
            case 'J' -> stack.add((long) in.getInt());
            case 'K' -> stack.add(in.get() & 0xffL);
            case 'M' -> stack.add(in.getShort() & 0xffffL);
            case 0x8a -> integer(in.get() & 0xff);
            case 0x8b -> integer(in.getInt());
            case 'G' -> stack.add(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
            case 'X' -> stack.add(text(in.getInt() & 0xffffffffL));
            case 0x8c -> stack.add(text(in.get() & 0xff));
            case 0x8d -> stack.add(text(in.getLong()));
            case 'T', 'B' -> opaque(in.getInt() & 0xffffffffL);
            case 'U', 'C' -> opaque(in.get() & 0xff);
            case 0x8e -> opaque(in.getLong());
            case ')' -> stack.add(new Tuple());
            case 0x85 -> tuple(stack.size() - 1);
            case 0x86 -> tuple(stack.size() - 2);
            case 0x87 -> tuple(stack.size() - 3);
            case 't' -> {
                Object[] items = toMark();
                stack.add(new Tuple(items));
            }
            case ']' -> stack.add(new ArrayList<>());
            case 'l' -> {
                Object[] items = toMark();
                stack.add(new ArrayList<>(Arrays.asList(items)));
            }
            case '}' -> stack.add(new LinkedHashMap<>());
            case 'd' -> {
                Object[] items = toMark();
                stack.add(new LinkedHashMap<>());
                put(items);
            }
            case 0x8f -> stack.add(Opaque.VALUE); // EMPTY_SET
            case 0x91 -> { // FROZENSET
                toMark();
                stack.add(Opaque.VALUE);
            }
            case 0x90 -> toMark(); // ADDITEMS
            case 'a' -> append(pop());
            case 'e' -> append(toMark());
            case 's' -> {
                Object value = pop();
                put(pop(), value);
            }
            case 'u' -> put(toMark());
            case 'q' -> memo.put(in.get() & 0xffL, top());
            case 'r' -> memo.put(in.getInt() & 0xffffffffL, top());
            case 0x94 -> memo.put((long) memo.size(), top());
            case 'h' -> stack.add(remembered(in.get() & 0xff));
            case 'j' -> stack.add(remembered(in.getInt() & 0xffffffffL));
            case 'c' -> global(line(), line());
            case 0x93 -> {
                if (!(pop() instanceof String name) || !(pop() instanceof String module)) {
                    throw damaged("a class without a name");
                }
                global(module, name);
            }
            case 'R', 0x81 -> { // REDUCE, NEWOBJ
                Object arguments = pop();
                call(pop(), arguments);
            }
            case 0x92 -> { // NEWOBJ_EX
                pop();
                Object arguments = pop();
                call(pop(), arguments);
            }
            case 'b' -> pop(); // BUILD: the attributes of an object, none of which is a tensor's
            case 'Q' -> {
                if (!(pop() instanceof Tuple id)) {
                    throw damaged("a storage without a name");
                }
                stack.add(new Persistent(id));
            }
            default -> throw new Refused("the pickle has opcode 0x" + Integer.toHexString(opcode) + " at byte " + at
                    + ", which torch.save does not write; save it again with torch.save");
        }
        return true;
    }

    private Object top() throws Refused {
        if (stack.isEmpty() || stack.get(stack.size() - 1) == Mark.MARK) {
            throw damaged("it takes more than it has");
        }
        return stack.get(stack.size() - 1);
    }

    private Object pop() throws Refused {
        Object top = top();
        stack.remove(stack.size() - 1);
        return top;
    }

    private Object[] toMark() throws Refused {
        int mark = stack.lastIndexOf(Mark.MARK);
        if (mark < 0) {
            throw damaged("it takes more than it has");
        }
        return from(mark, mark + 1);
    }

    /** The values from {@code first} on; the stack keeps those below {@code bottom}. */
    private Object[] from(int bottom, int first) {
        List<Object> items = stack.subList(first, stack.size());
        Object[] copy = items.toArray();
        stack.subList(bottom, stack.size()).clear();
        return copy;
    }

    private void tuple(int first) throws Refused {
        if (first < 0 || stack.subList(first, stack.size()).contains(Mark.MARK)) {
            throw damaged("it takes more than it has");
        }
        stack.add(new Tuple(from(first, first)));
    }

    private void integer(long bytes) throws Refused {
        if (bytes < 0 || bytes > 8) {
            opaque(bytes);
            return;
        }
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            long b = i == bytes - 1 ? in.get() : in.get() & 0xff;
            value |= b << (8 * i);
        }
        stack.add(value);
    }

    private String text(long bytes) throws Refused {
        byte[] text = new byte[length(bytes)];
        in.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    private void opaque(long bytes) throws Refused {
        in.position(in.position() + length(bytes));
        stack.add(Opaque.VALUE);
    }

    /** {@code bytes}, of which the pickle must have as many left. */
    private int length(long bytes) throws Refused {
        if (bytes < 0 || bytes > in.remaining()) {
            throw damaged("a value of " + bytes + " bytes where " + in.remaining() + " are left");
        }
        return (int) bytes;
    }

    private String line() throws Refused {
        int start = in.position();
        int end = start;
        while (in.get() != '\n') {
            end++;
        }
        byte[] text = new byte[end - start];
        in.get(start, text);
        return new String(text, StandardCharsets.UTF_8).strip();
    }

    private void append(Object... items) throws Refused {
        if (top() instanceof List<?> list) {
            @SuppressWarnings("unchecked")
            List<Object> objects = (List<Object>) list;
            objects.addAll(Arrays.asList(items));
        }
    }

    private void put(Object... items) throws Refused {
        if (items.length % 2 != 0) {
            throw damaged("a dictionary with a key and no value");
        }
        if (top() instanceof Map<?, ?> map) {
            @SuppressWarnings("unchecked")
            Map<Object, Object> objects = (Map<Object, Object>) map;
            for (int i = 0; i < items.length; i += 2) {
                if (items[i] instanceof Map || items[i] instanceof List) {
                    throw damaged("a dictionary or list as a key");
                }
                objects.put(items[i], items[i + 1]);
            }
        }
    }

    private Object remembered(long index) throws Refused {
        if (!memo.containsKey(index)) {
            throw damaged("value " + index + " is used before it is there");
        }
        return memo.get(index);
    }

    private void global(String module, String name) throws Refused {
        String whole = module + "." + name;
        String[] parts = whole.split("\\.", -1);
        String last = parts[parts.length - 1];
        boolean builtin = module.equals("builtins") || module.equals("__builtin__");
        boolean refused = (CODE_MODULES.contains(parts[0]) && !whole.equals("types.SimpleNamespace"))
                || CODE_FUNCTIONS.contains(last);
        refused |= builtin && !DATA_BUILTINS.contains(name) && !exception(name);
        if (name.contains(".")) {
            // A name may go from module to module: numpy, 'core.os.system'.
            refused |= Arrays.stream(name.split("\\."))
                    .anyMatch(part -> CODE_MODULES.contains(part) || CODE_FUNCTIONS.contains(part));
        }
        if (refused) {
            throw new Refused("the pickle asks for '" + whole
                    + "', which can run code; take the weights from somebody you trust, as safetensors");
        }
        stack.add(new Global(builtin ? "builtins." + name : whole));
    }

    private static boolean exception(String name) {
        return name.endsWith("Error") || name.endsWith("Exception") || name.endsWith("Warning");
    }

    private void call(Object function, Object arguments) throws Refused {
        if (!(arguments instanceof Tuple tuple)) {
            throw damaged("a call without arguments");
        }
        if (!(function instanceof Global global)) {
            stack.add(Opaque.VALUE);
        } else if (MAPS.contains(global.name())) {
            stack.add(map(global, tuple));
        } else {
            stack.add(new Call(global.name(), tuple));
        }
    }

    /** A dictionary; Python may be given its pairs in a list. */
    private Map<Object, Object> map(Global type, Tuple arguments) throws Refused {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (Object argument : arguments.items) {
            if (!(argument instanceof List<?> pairs)) {
                continue;
            }
            // One list may be used for many dictionaries: without a limit a short pickle would fill the memory.
            copied += pairs.size();
            if (copied > in.limit()) {
                throw damaged("dictionaries of more pairs than it has bytes");
            }
            for (Object pair : pairs) {
                Object[] two = pair instanceof Tuple t
                        ? t.items
                        : pair instanceof List<?> l && l.size() == 2 ? l.toArray() : new Object[0];
                if (two.length != 2 || two[0] instanceof Map || two[0] instanceof List) {
                    throw damaged("a " + type.name() + " of something else than pairs");
                }
                map.put(two[0], two[1]);
            }
        }
        return map;
    }

    private static Refused damaged(String how) {
        return new Refused("damaged pickle: " + how + "; download it again");
    }
}
