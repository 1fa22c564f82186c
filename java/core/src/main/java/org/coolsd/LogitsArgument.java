package org.coolsd;

import org.bytedeco.javacpp.Loader;
import org.coolsd.NativeMemory.OptionalArray;
import org.coolsd.NativeMemory.Struct;
import org.coolsd.internal.binding.coolsd_logits;
import org.jspecify.annotations.Nullable;

/** The conditional and unconditional halves of one argument inside a native struct, and where each sequence begins in them. */
final class LogitsArgument {
    private static final int DATA = Loader.offsetof(coolsd_logits.class, "data");
    private static final int BATCH_STRIDE = Loader.offsetof(coolsd_logits.class, "batch_stride");
    private static final int ROW_STRIDE = Loader.offsetof(coolsd_logits.class, "row_stride");
    private static final int DTYPE = Loader.offsetof(coolsd_logits.class, "dtype");

    private final String name;
    private final NativeMemory memory;
    private final Half conditional;
    private final Half unconditional;

    /** @param field the field of the conditional half; the others are called after it */
    LogitsArgument(Struct struct, String field, int offsets, int unconditionalOffsets) {
        name = field;
        memory = struct.memory();
        conditional = new Half(struct.at(field), offsets, new OptionalArray(struct, field + "_offsets", offsets));
        unconditional = new Half(
                struct.at(field + "_uncond"),
                unconditionalOffsets,
                new OptionalArray(struct, field + "_uncond_offsets", unconditionalOffsets));
    }

    /** Places of a coolsd_logits and of its offsets. */
    private record Half(int logits, int offsets, OptionalArray given) {}

    /** The call has one sequence only, and this argument no offsets, ever. */
    void only(Logits logits) {
        set(conditional, logits.address(), 0, logits);
        Logits other = logits.unconditional();
        if (other == null) {
            memory.bytes.putLong(unconditional.logits + DATA, 0);
        } else {
            set(unconditional, other.address(), 0, other);
        }
    }

    /** Sequence k of the call is sequence {@code index[k]} of one view. */
    void batched(Logits logits, int[] index, int count) {
        boolean inOrder = true;
        for (int k = 0; k < count; k++) {
            inOrder &= index[k] == k;
        }
        batched(conditional, logits, index, count, inOrder);
        Logits other = logits.unconditional();
        if (other == null) {
            leaveOut(unconditional);
        } else {
            batched(unconditional, other, index, count, inOrder);
        }
    }

    private void batched(Half half, Logits logits, int[] index, int count, boolean inOrder) {
        set(half, logits.address(), logits.batchStride(), logits);
        half.given.give(!inOrder);
        if (!inOrder) {
            for (int k = 0; k < count; k++) {
                putOffset(half, k, index[k] * logits.batchStride());
            }
        }
    }

    /**
     * Sequence k of the call is the view {@code views[index[k]]}; null where the sequence needs none. A view without an
     * unconditional half beside such with one is its own, which guidance leaves as it is.
     *
     * @param slots names of the sequences, for messages
     */
    void scattered(@Nullable Logits[] views, int[] index, int[] slots, int count) {
        boolean guided = false;
        for (int k = 0; k < count; k++) {
            Logits view = views[index[k]];
            guided |= view != null && view.unconditional() != null;
        }
        scattered(conditional, views, index, slots, count);
        if (guided) {
            scattered(unconditional, views, index, slots, count);
        } else {
            leaveOut(unconditional);
        }
    }

    private void scattered(Half half, @Nullable Logits[] views, int[] index, int[] slots, int count) {
        // Offsets are from the lowest address. One row stride serves all; that of a single row is never used.
        long base = Long.MAX_VALUE;
        Logits like = null;
        for (int k = 0; k < count; k++) {
            Logits view = of(half, views[index[k]]);
            if (view == null) {
                continue;
            }
            base = Math.min(base, view.address());
            requireAlike(like, view, slots[k]);
            if (like == null || like.rows() == 1) {
                like = view;
            }
        }
        if (like == null) {
            throw new IllegalArgumentException("no slot has " + name + " logits");
        }
        set(half, base, 0, like);
        half.given.give(count > 1);
        if (count > 1) {
            for (int k = 0; k < count; k++) {
                Logits view = of(half, views[index[k]]);
                putOffset(
                        half,
                        k,
                        view == null ? 0 : (view.address() - base) / view.type().size());
            }
        }
    }

    private @Nullable Logits of(Half half, @Nullable Logits view) {
        return view == null || half == conditional || view.unconditional() == null ? view : view.unconditional();
    }

    private void requireAlike(@Nullable Logits like, Logits view, int slot) {
        if (like == null) {
            return;
        }
        if (like.type() != view.type()) {
            throw new IllegalArgumentException(name + " of slot " + slot + " is of " + view.type()
                    + ", that of another slot of " + like.type() + "; one call takes one type");
        }
        if (like.rows() > 1 && view.rows() > 1 && like.rowStride() != view.rowStride()) {
            throw new IllegalArgumentException(name + " of slot " + slot + " has rows " + view.rowStride()
                    + " elements apart, that of another slot " + like.rowStride() + "; one call takes one row stride");
        }
    }

    private void set(Half half, long address, long batchStride, Logits logits) {
        memory.bytes.putLong(half.logits + DATA, address);
        memory.bytes.putLong(half.logits + BATCH_STRIDE, batchStride);
        memory.bytes.putLong(half.logits + ROW_STRIDE, logits.rowStride());
        memory.bytes.putInt(half.logits + DTYPE, logits.type().ordinal());
    }

    private void leaveOut(Half half) {
        memory.bytes.putLong(half.logits + DATA, 0);
        half.given.give(false);
    }

    private void putOffset(Half half, int k, long offset) {
        memory.bytes.putLong(half.offsets + Long.BYTES * k, offset);
    }
}
