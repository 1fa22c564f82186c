package org.coolsd.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tensors of every shape of passes that has occurred since their buffers were made; what is closed once. */
final class Bindings implements Runnable {
    /** By rows, then blocks of past positions, then new positions. */
    private @Nullable Binding[][][] all = new Binding[0][][];

    private final List<Binding> made = new ArrayList<>();

    /** The tensors of one shape. */
    record Binding(Map<String, OnnxTensor> inputs, Map<String, OnnxTensor> outputs) {
        void close() {
            inputs.values().forEach(OnnxTensor::close);
            outputs.values().forEach(OnnxTensor::close);
        }
    }

    @Nullable
    Binding get(int batch, int blocks, int sequence) {
        if (batch >= all.length || all[batch] == null || blocks >= all[batch].length) {
            return null;
        }
        Binding[] last = all[batch][blocks];
        return last == null || sequence >= last.length ? null : last[sequence];
    }

    void put(int batch, int blocks, int sequence, Binding binding) {
        if (batch >= all.length) {
            all = Arrays.copyOf(all, batch + 1);
        }
        if (all[batch] == null) {
            all[batch] = new Binding[0][];
        }
        if (blocks >= all[batch].length) {
            all[batch] = Arrays.copyOf(all[batch], blocks + 1);
        }
        if (all[batch][blocks] == null) {
            all[batch][blocks] = new Binding[0];
        }
        if (sequence >= all[batch][blocks].length) {
            all[batch][blocks] = Arrays.copyOf(all[batch][blocks], sequence + 1);
        }
        all[batch][blocks][sequence] = binding;
        made.add(binding);
    }

    /** Closes all, as their buffers are others now or nobody needs them any more. */
    @Override
    public void run() {
        made.forEach(Binding::close);
        made.clear();
        all = new Binding[0][][];
    }
}
