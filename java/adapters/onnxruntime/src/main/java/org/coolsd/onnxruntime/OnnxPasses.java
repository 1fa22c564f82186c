package org.coolsd.onnxruntime;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.coolsd.CoolsdException;
import org.coolsd.Logits;
import org.coolsd.passes.DecoderNames;
import org.coolsd.passes.LogitsViews;
import org.coolsd.passes.RowPasses;

/**
 * Passes of one session over the first rows of a batch: inputs and outputs are tensors over direct buffers of this object, so
 * that nothing is copied into ONNX Runtime or out of it. A pass of a shape that has occurred before allocates nothing here.
 */
final class OnnxPasses implements RowPasses {
    private final OrtEnvironment environment;
    private final DecoderNames names;
    private final OnnxLayout layout;
    private final int rows;
    private final KeyValueCache cache;
    private final Bindings bindings = new Bindings();
    private Call call;
    private final LogitsViews views;
    private int longest;
    private int sequence;
    private ByteBuffer ids = DirectMemory.allocate(0, "token ids");
    private ByteBuffer positions = ids;
    private ByteBuffer mask = ids;
    private ByteBuffer logits = ids;
    private ByteBuffer hidden = ids;
    private ByteBuffer read = ids;

    /** The engine's part of a pass. */
    interface Call {
        void run(Map<String, OnnxTensor> inputs, Map<String, OnnxTensor> outputs) throws OrtException;
    }

    OnnxPasses(OrtEnvironment environment, OrtSession session, DecoderNames names, OnnxLayout layout, int rows) {
        this.environment = environment;
        this.names = names;
        this.layout = layout;
        this.rows = rows;
        cache = new KeyValueCache(layout, rows);
        call = (inputs, outputs) -> session.run(inputs, Set.of(), outputs).close();
        views = new LogitsViews(rows, this::view);
    }

    /** Puts another engine in the place of ONNX Runtime, whose part can so be told from the rest; returns the one before. */
    Call replace(Call other) {
        Call before = call;
        call = other;
        return before;
    }

    KeyValueCache cache() {
        return cache;
    }

    OnnxLayout layout() {
        return layout;
    }

    @Override
    public int vocab() {
        return layout.vocab();
    }

    @Override
    public Logits.Type type() {
        return layout.logits();
    }

    @Override
    public void begin(int count) {
        boolean moved = cache.fit(count);
        if (count > longest) {
            longest = count;
            views.clear();
            long cells = (long) rows * longest;
            ids = DirectMemory.allocate(cells * Long.BYTES, "token ids");
            positions = DirectMemory.allocate(cells * Long.BYTES, "positions");
            logits = DirectMemory.allocate(
                    cells * layout.vocab() * layout.logits().size(), "logits");
            hidden = DirectMemory.allocate(cells * hiddenBytes(), "hidden states");
            read = layout.readsHidden() ? DirectMemory.allocate(cells * hiddenBytes(), "hidden states") : read;
            moved = true;
        }
        long seen = (long) rows * (cache.positions() + count) * Long.BYTES;
        ByteBuffer fitting = DirectMemory.atLeast(mask, seen, "the attention mask");
        moved |= fitting != mask;
        mask = fitting;
        if (moved) {
            bindings.run();
        }
        sequence = count;
        for (int cell = 0; cell < rows * count; cell++) {
            ids.putLong(cell * Long.BYTES, 0);
            positions.putLong(cell * Long.BYTES, 0);
        }
        mask(count);
    }

    /** Every row sees what it has, and all that is new, of which a position sees what is before it. */
    private void mask(int count) {
        int past = cache.positions();
        for (int row = 0; row < rows; row++) {
            int from = row * (past + count);
            for (int i = 0; i < past + count; i++) {
                mask.putLong((from + i) * Long.BYTES, i < cache.length(row) || i >= past ? 1 : 0);
            }
        }
    }

    @Override
    public void id(int row, int i, int id) {
        int cell = row * sequence + i;
        ids.putLong(cell * Long.BYTES, id);
        positions.putLong(cell * Long.BYTES, cache.length(row) + i);
    }

    @Override
    public void hidden(int row, int i, RowPasses from, int cell) {
        int bytes = hiddenBytes();
        read.put((row * sequence + i) * bytes, ((OnnxPasses) from).hidden, cell * bytes, bytes);
    }

    private int hiddenBytes() {
        return layout.width() * layout.hidden().size;
    }

    @Override
    public void run(int batch) {
        int blocks = cache.positions() / KeyValueCache.BLOCK;
        Bindings.Binding binding = bindings.get(batch, blocks, sequence);
        try {
            if (binding == null) {
                binding = bind(batch);
                bindings.put(batch, blocks, sequence, binding);
            }
            call.run(binding.inputs(), binding.outputs());
        } catch (OrtException e) {
            throw new CoolsdException("ONNX Runtime: " + e.getMessage(), e);
        }
    }

    private Bindings.Binding bind(int batch) throws OrtException {
        int past = cache.positions();
        Bindings.Binding binding = new Bindings.Binding(new LinkedHashMap<>(), new LinkedHashMap<>());
        try {
            put(binding.inputs(), names.inputIds(), ids, OnnxJavaType.INT64, batch, sequence);
            put(binding.inputs(), names.positionIds(), positions, OnnxJavaType.INT64, batch, sequence);
            put(binding.inputs(), names.attentionMask(), mask, OnnxJavaType.INT64, batch, past + sequence);
            for (int i = 0; i < 2 * layout.layers(); i++) {
                put(binding.inputs(), names.past(i), cache.past(i), layout.keyValues(), keyValues(batch, past));
                put(
                        binding.outputs(),
                        names.present(i),
                        cache.present(i),
                        layout.keyValues(),
                        keyValues(batch, past + sequence));
            }
            OnnxJavaType type = OnnxJavaType.FLOAT;
            if (layout.logits() != Logits.Type.F32) {
                type = layout.logits() == Logits.Type.F16 ? OnnxJavaType.FLOAT16 : OnnxJavaType.BFLOAT16;
            }
            put(binding.outputs(), names.logits(), logits, type, batch, sequence, layout.vocab());
            if (layout.width() > 0) {
                put(
                        binding.outputs(),
                        names.hiddenOutput(layout.readsHidden()),
                        hidden,
                        layout.hidden(),
                        batch,
                        sequence,
                        layout.width());
            }
            if (layout.readsHidden()) {
                put(binding.inputs(), names.hiddenStates(), read, layout.hidden(), batch, sequence, layout.width());
            }
            return binding;
        } catch (OrtException | RuntimeException e) {
            binding.close();
            throw e;
        }
    }

    private long[] keyValues(int batch, int count) {
        return new long[] {batch, layout.heads(), count, layout.channels()};
    }

    private void put(Map<String, OnnxTensor> to, String name, ByteBuffer memory, OnnxJavaType type, long... shape)
            throws OrtException {
        long bytes = type.size;
        for (long dim : shape) {
            bytes *= dim;
        }
        ByteBuffer view = memory.slice(0, (int) bytes).order(ByteOrder.nativeOrder());
        to.put(name, OnnxTensor.createTensor(environment, view, shape, type));
    }

    @Override
    public int sequence() {
        return sequence;
    }

    @Override
    public Logits logits(int cell, int unconditional, int count) {
        return views.get(cell, unconditional, count);
    }

    private Logits view(int cell, int count) {
        int bytes = layout.vocab() * layout.logits().size();
        ByteBuffer view = logits.slice(cell * bytes, count * bytes).order(ByteOrder.nativeOrder());
        return Logits.of(view, layout.logits(), count, layout.vocab());
    }

    @Override
    public void keep(int row, int count) {
        cache.take(row, count);
    }

    @Override
    public void rollBack(int row, int length) {
        cache.rollBack(row, length);
    }

    @Override
    public void forget(int row, boolean broken) {
        if (broken) {
            cache.wipe(row);
        } else {
            cache.rollBack(row, 0);
        }
    }

    @Override
    public void close() {
        bindings.run();
    }
}
