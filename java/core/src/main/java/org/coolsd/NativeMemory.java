package org.coolsd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.coolsd_sampling;

/**
 * Zeroed memory that Java and native code both reach, in places that are laid out before it is allocated. The collector
 * frees it: what reads it must be kept reachable until it has returned.
 */
final class NativeMemory {
    /** What host_register takes whole pages of. */
    static final int PAGE = 4096;

    private static final int SAMPLING_SIZE = Loader.offsetof(coolsd_sampling.class, "struct_size");
    private static final int TEMPERATURE = Loader.offsetof(coolsd_sampling.class, "temperature");
    private static final int GUIDANCE = Loader.offsetof(coolsd_sampling.class, "guidance");
    private static final int TOP_K = Loader.offsetof(coolsd_sampling.class, "top_k");
    private static final int TOP_P = Loader.offsetof(coolsd_sampling.class, "top_p");
    private static final int WINDOW_LO = Loader.offsetof(coolsd_sampling.class, "window_lo");
    private static final int WINDOW_HI = Loader.offsetof(coolsd_sampling.class, "window_hi");

    final ByteBuffer bytes;
    final long address;

    private NativeMemory(int size, int alignment) {
        bytes = ByteBuffer.allocateDirect(size + alignment)
                .alignedSlice(alignment)
                .order(ByteOrder.nativeOrder());
        address = NativeLibrary.address(bytes);
    }

    /** Places in memory that is yet to be allocated. */
    static final class Layout {
        private int size;

        /** The offset of {@code count} elements of {@code elementSize} bytes. */
        int add(int count, int elementSize) {
            int at = size;
            size = Math.addExact(size, Math.addExact(Math.multiplyExact(count, elementSize), 7) & ~7);
            return at;
        }

        /** The offset of a struct. */
        int add(Class<? extends Pointer> struct) {
            return add(1, Loader.sizeof(struct));
        }

        NativeMemory allocate() {
            return new NativeMemory(size + 8, 8);
        }

        /** Pages of its own, so that a device can be given them. */
        NativeMemory allocatePages() {
            return new NativeMemory((size / PAGE + 1) * PAGE, PAGE);
        }
    }

    /** All of it, for native code. */
    Pointer pointer() {
        return new Address(address);
    }

    /** Bytes in whole pages. */
    long pages() {
        return bytes.capacity() / PAGE * PAGE;
    }

    /** A struct in this memory. */
    Struct struct(int at, Class<? extends Pointer> type) {
        return new Struct(this, at, type);
    }

    /** An address that owns nothing, so that no PointerScope takes it. */
    static final class Address extends Pointer {
        Address(long address) {
            this.address = address;
        }

        /** This object with another address. */
        Address at(long other) {
            address = other;
            return this;
        }
    }

    /** A native struct's fields by their names in coolsd.h. */
    record Struct(NativeMemory memory, int at, Class<? extends Pointer> type) {
        /** The offset of a field in the memory. */
        int at(String field) {
            int offset = Loader.offsetof(type, field);
            if (offset < 0) {
                throw new IllegalStateException("the binding has no field " + field + " in " + type.getSimpleName());
            }
            return at + offset;
        }

        Struct putStructSize() {
            memory.bytes.putLong(at("struct_size"), Loader.sizeof(type));
            return this;
        }

        Struct put(String field, int value) {
            memory.bytes.putInt(at(field), value);
            return this;
        }

        Struct put(String field, float value) {
            memory.bytes.putFloat(at(field), value);
            return this;
        }

        /** The address of a place in {@code to}. */
        Struct point(String field, NativeMemory to, int place) {
            return point(field, to.address + place);
        }

        Struct point(String field, long address) {
            memory.bytes.putLong(at(field), address);
            return this;
        }
    }

    /** A struct's pointer to an array of the same memory, which calls may leave out. */
    static final class OptionalArray {
        private final NativeMemory memory;
        private final int field;
        private final long array;
        private boolean given;

        OptionalArray(Struct struct, String field, int array) {
            this.memory = struct.memory();
            this.field = struct.at(field);
            this.array = memory.address + array;
        }

        /** Whether the next call gets it. */
        void give(boolean wanted) {
            if (wanted != given) {
                memory.bytes.putLong(field, wanted ? array : 0);
                given = wanted;
            }
        }
    }

    /** A coolsd_sampling. */
    void put(int at, Sampling sampling) {
        bytes.putLong(at + SAMPLING_SIZE, Loader.sizeof(coolsd_sampling.class));
        bytes.putFloat(at + TEMPERATURE, sampling.temperature());
        bytes.putFloat(at + GUIDANCE, sampling.guidance());
        bytes.putInt(at + TOP_K, sampling.topK());
        bytes.putFloat(at + TOP_P, sampling.topP());
        bytes.putInt(at + WINDOW_LO, sampling.windowFrom());
        bytes.putInt(at + WINDOW_HI, sampling.windowTo());
    }
}
