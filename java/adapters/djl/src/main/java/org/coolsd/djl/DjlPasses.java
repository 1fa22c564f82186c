package org.coolsd.djl;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import org.coolsd.CoolsdException;
import org.coolsd.Logits;
import org.coolsd.passes.DecoderNames;
import org.coolsd.passes.LogitsViews;
import org.coolsd.passes.RowPasses;
import org.jspecify.annotations.Nullable;

/**
 * Passes of a model over all rows of a batch. The key-values that a pass gives are the past of the next one as they are: they
 * are never copied, and a position that does not stay is hidden by the mask. When hidden positions are the larger part, the
 * past is made anew without them.
 */
class DjlPasses implements RowPasses {
    /** Hidden positions that never pay for a new past. */
    private static final int SLACK = 32;

    private final Model model;
    private final DecoderShape shape;
    private final DecoderNames names;
    private final boolean drafter;
    private final boolean copies;
    private final int rows;
    private final NDManager manager;
    private final ParameterStore store;
    private final NDArray[] past;
    /** Positions of the past tensors. */
    private int positions;
    /** [row][position]: whether the row sees it. */
    private boolean[][] seen;

    private final int[] lengths;
    private boolean suspect;
    /** The engine's memory, where it shares it, is read until the next pass. */
    private @Nullable NDArray lastLogits;

    private @Nullable NDArray lastStates;

    private int sequence;
    private LongBuffer ids = longs(1);
    private LongBuffer places = longs(1);
    private LongBuffer mask = longs(1);
    /** [rows, sequence, width]: what a drafter reads. */
    private FloatBuffer read = FloatBuffer.allocate(0);
    /** Likewise, what the last pass gave. */
    private FloatBuffer hidden = FloatBuffer.allocate(0);
    /** [rows, sequence, V]: the engine's memory, or a copy of what it has copied to the heap. */
    private FloatBuffer logits = floats(0);

    private final LogitsViews views;

    /**
     * @param drafter whether the model reads hidden states and predicts the next ones, as EAGLE does
     * @param copies whether the engine may copy
     */
    DjlPasses(Model model, DecoderShape shape, DecoderNames names, boolean drafter, boolean copies, int rows) {
        this.model = model;
        this.shape = shape;
        this.names = names;
        this.drafter = drafter;
        this.copies = copies;
        this.rows = rows;
        lengths = new int[rows];
        views = new LogitsViews(rows, this::view);
        seen = new boolean[rows][64];
        past = new NDArray[2 * shape.layers()];
        manager = model.getNDManager().newSubManager();
        store = new ParameterStore(manager, false);
        try {
            requireNoCopies();
            empty();
        } catch (RuntimeException | Error e) {
            manager.close();
            throw e;
        }
    }

    private static FloatBuffer floats(int count) {
        return ByteBuffer.allocateDirect(Math.multiplyExact(count, Float.BYTES))
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
    }

    private static LongBuffer longs(int count) {
        return ByteBuffer.allocateDirect(Math.multiplyExact(count, Long.BYTES))
                .order(ByteOrder.nativeOrder())
                .asLongBuffer();
    }

    /** An engine shares its memory if what is written to one buffer of an array is read from another. */
    private void requireNoCopies() {
        FloatBuffer zeros = ByteBuffer.allocateDirect(2 * Float.BYTES)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
        try (NDArray probe = manager.create(zeros, new Shape(2), DataType.FLOAT32)) {
            ByteBuffer first = probe.toByteBuffer(true).order(ByteOrder.nativeOrder());
            first.putFloat(0, 1);
            ByteBuffer second = probe.toByteBuffer(true).order(ByteOrder.nativeOrder());
            boolean shares = first.isDirect() && second.getFloat(0) == 1;
            if (!shares && !copies) {
                throw new IllegalArgumentException(
                        "the engine " + manager.getEngine().getEngineName()
                                + " hands out its arrays as copies; allow it with copying(), or use coolsd-onnxruntime for"
                                + " ONNX models, which copies nothing");
            }
        }
    }

    /** A past of one position that nobody sees: engines refuse arrays without elements. */
    private void empty() {
        positions = 1;
        for (boolean[] ofRow : seen) {
            Arrays.fill(ofRow, false);
        }
        for (int i = 0; i < past.length; i++) {
            replacePast(i, ByteBuffer.allocateDirect(bytes(1)).order(ByteOrder.nativeOrder()), 1);
        }
    }

    private int bytes(int count) {
        return Math.multiplyExact(Math.multiplyExact(rows * shape.heads(), count), shape.channels() * Float.BYTES);
    }

    private void replacePast(int i, ByteBuffer values, int count) {
        NDArray array = manager.create(
                values.asFloatBuffer(), new Shape(rows, shape.heads(), count, shape.channels()), DataType.FLOAT32);
        take(i, array);
    }

    private void take(int i, NDArray array) {
        array.setName(names.past(i));
        if (past[i] != null) {
            past[i].close();
        }
        past[i] = array;
    }

    @Override
    public int vocab() {
        return shape.vocab();
    }

    @Override
    public Logits.Type type() {
        return Logits.Type.F32;
    }

    @Override
    public void begin(int count) {
        int longest = 0;
        for (int length : lengths) {
            longest = Math.max(longest, length);
        }
        if (suspect || positions > 2 * longest + SLACK) {
            makeAnew(longest);
        }
        sequence = count;
        ids = fitting(ids, rows * count);
        places = fitting(places, rows * count);
        mask = fitting(mask, rows * (positions + count));
        if (drafter) {
            int wanted = rows * count * shape.width();
            read = read.capacity() >= wanted ? read : floats(wanted);
            read.clear().limit(wanted);
        }
        for (int cell = 0; cell < rows * count; cell++) {
            ids.put(cell, 0);
            places.put(cell, 0);
        }
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < positions + count; i++) {
                mask.put(row * (positions + count) + i, i >= positions || seen[row][i] ? 1 : 0);
            }
        }
    }

    private static LongBuffer fitting(LongBuffer buffer, int count) {
        LongBuffer fits = buffer.capacity() >= count ? buffer : longs(2 * count);
        return fits.clear().limit(count);
    }

    /** Makes a past of the positions that are seen, which for each row come first. */
    void makeAnew(int longest) {
        suspect = false;
        if (longest == 0) {
            empty();
            return;
        }
        copySeen(longest);
        moveSeen(longest);
    }

    private void copySeen(int longest) {
        int unit = shape.channels() * Float.BYTES;
        for (int i = 0; i < past.length; i++) {
            ByteBuffer from = past[i].toByteBuffer(true);
            ByteBuffer to = ByteBuffer.allocateDirect(bytes(longest)).order(ByteOrder.nativeOrder());
            for (int lane = 0; lane < rows * shape.heads(); lane++) {
                int at = lane * longest;
                for (int p = 0; p < positions; p++) {
                    if (seen[lane / shape.heads()][p]) {
                        to.put(at++ * unit, from, (lane * positions + p) * unit, unit);
                    }
                }
            }
            replacePast(i, to, longest);
        }
    }

    /** What is seen comes first from now on. */
    void moveSeen(int longest) {
        positions = longest;
        for (int row = 0; row < rows; row++) {
            Arrays.fill(seen[row], false);
            Arrays.fill(seen[row], 0, lengths[row], true);
        }
    }

    @Override
    public void id(int row, int i, int id) {
        ids.put(row * sequence + i, id);
        places.put(row * sequence + i, lengths[row] + (long) i);
    }

    @Override
    public void hidden(int row, int i, RowPasses from, int cell) {
        int width = shape.width();
        read.put((row * sequence + i) * width, ((DjlPasses) from).hidden, cell * width, width);
    }

    private static FloatBuffer floats(NDArray array) {
        return array.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    @Override
    public int sequence() {
        return sequence;
    }

    @Override
    public void run(int batch) {
        NDList outputs;
        try (NDArray readIds = named(names.inputIds(), ids, sequence);
                NDArray readPlaces = named(names.positionIds(), places, sequence);
                NDArray readMask = named(names.attentionMask(), mask, positions + sequence);
                NDArray states = drafter ? states() : null) {
            NDList inputs = new NDList(past.length + 3);
            inputs.add(readIds);
            inputs.add(readPlaces);
            inputs.add(readMask);
            for (NDArray array : past) {
                inputs.add(array);
            }
            if (states != null) {
                inputs.add(states);
            }
            outputs = model.getBlock().forward(store, inputs, false);
        }
        for (int i = 0; i < past.length; i++) {
            require(outputs, names.present(i));
        }
        NDArray values = require(outputs, names.logits());
        hold(floats(values));
        NDArray given = null;
        if (shape.width() > 0) {
            given = require(outputs, names.hiddenOutput(drafter));
            hidden = floats(given);
        }
        for (int i = 0; i < past.length; i++) {
            take(i, require(outputs, names.present(i)));
        }
        close(outputs, values, given);
        advance();
    }

    /** Logits are read until the next pass where the engine has them, or copied if that is the heap. */
    private void hold(FloatBuffer values) {
        if (values.isDirect()) {
            views.clear();
            logits = values;
            return;
        }
        if (logits.capacity() < values.limit()) {
            views.clear();
            logits = floats(2 * values.limit());
        }
        logits.put(0, values, 0, values.limit());
    }

    @Override
    public Logits logits(int cell, int unconditional, int count) {
        return views.get(cell, unconditional, count);
    }

    private Logits view(int cell, int count) {
        return Logits.of(logits.slice(cell * shape.vocab(), count * shape.vocab()), count, shape.vocab());
    }

    /** The new positions are part of the past, seen by nobody yet. */
    void advance() {
        positions += sequence;
        for (int row = 0; row < rows; row++) {
            if (seen[row].length < positions) {
                seen[row] = Arrays.copyOf(seen[row], 2 * positions);
            }
            Arrays.fill(seen[row], positions - sequence, positions, false);
        }
    }

    /** Closes the last logits, and what else the model gives. */
    private void close(NDList outputs, NDArray values, @Nullable NDArray states) {
        for (NDArray array : outputs) {
            boolean kept = array == values || array == states;
            for (NDArray ofPast : past) {
                kept |= array == ofPast;
            }
            if (!kept) {
                array.close();
            }
        }
        if (lastLogits != null) {
            lastLogits.close();
        }
        lastLogits = values;
        if (lastStates != null) {
            lastStates.close();
        }
        lastStates = states;
    }

    @Override
    public void keep(int row, int count) {
        Arrays.fill(seen[row], positions - sequence, positions - sequence + count, true);
        lengths[row] += count;
    }

    @Override
    public void rollBack(int row, int length) {
        for (int i = positions - 1; lengths[row] > length; i--) {
            if (seen[row][i]) {
                seen[row][i] = false;
                lengths[row]--;
            }
        }
    }

    @Override
    public void forget(int row, boolean broken) {
        Arrays.fill(seen[row], false);
        lengths[row] = 0;
        suspect |= broken;
    }

    DecoderShape shape() {
        return shape;
    }

    /** Whether the engine may copy. */
    boolean copies() {
        return copies;
    }

    @Override
    public void close() {
        manager.close();
    }

    private NDArray states() {
        NDArray array = manager.create(read, new Shape(rows, sequence, shape.width()), DataType.FLOAT32);
        array.setName(names.hiddenStates());
        return array;
    }

    private NDArray named(String name, LongBuffer values, int columns) {
        NDArray array = manager.create(values, new Shape(rows, columns), DataType.INT64);
        array.setName(name);
        return array;
    }

    private static NDArray require(NDList outputs, String name) {
        for (NDArray array : outputs) {
            if (name.equals(array.getName())) {
                return array;
            }
        }
        throw new CoolsdException("the model has no output " + name + ", it has "
                + outputs.stream().map(NDArray::getName).toList());
    }
}
