package org.coolsd.onnxruntime;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.coolsd.CoolsdException;
import org.coolsd.Logits;
import org.coolsd.passes.DecoderNames;

/**
 * The sizes and types of a decoder, as its session declares them.
 *
 * @param width of the hidden states; 0 if the model has no such output
 * @param readsHidden whether hidden states are an input too, as an EAGLE drafter has them
 */
record OnnxLayout(
        int layers,
        int heads,
        int channels,
        OnnxJavaType keyValues,
        int vocab,
        Logits.Type logits,
        int width,
        OnnxJavaType hidden,
        boolean readsHidden) {

    /** @throws IllegalArgumentException in one line, for a model that does not have these inputs and outputs */
    static OnnxLayout of(OrtSession session, DecoderNames names) {
        try {
            return of(session.getInputInfo(), session.getOutputInfo(), names);
        } catch (OrtException e) {
            throw new CoolsdException("ONNX Runtime cannot describe the model: " + e.getMessage(), e);
        }
    }

    private static OnnxLayout of(Map<String, NodeInfo> inputs, Map<String, NodeInfo> outputs, DecoderNames names) {
        Set<String> unknown = new HashSet<>(inputs.keySet());
        for (String name : new String[] {names.inputIds(), names.attentionMask(), names.positionIds()}) {
            TensorInfo info = require(inputs, "input", name);
            if (info.type != OnnxJavaType.INT64) {
                throw new IllegalArgumentException("the input " + name + " is " + info.type + ", it must be INT64");
            }
            unknown.remove(name);
        }
        int layers = 0;
        while (inputs.containsKey(names.past(2 * layers))) {
            for (int kind = 0; kind < 2; kind++) {
                require(inputs, "input", names.past(2 * layers + kind));
                require(outputs, "output", names.present(2 * layers + kind));
                unknown.remove(names.past(2 * layers + kind));
            }
            layers++;
        }
        TensorInfo past = require(inputs, "input", names.past(0));
        boolean readsHidden = unknown.remove(names.hiddenStates());
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("the model has inputs that nothing is known of: " + unknown
                    + "; export it with past key-values and without a branch for the first pass");
        }
        TensorInfo logits = require(outputs, "output", names.logits());
        String hiddenName = names.hiddenOutput(readsHidden);
        TensorInfo hidden = outputs.containsKey(hiddenName) ? require(outputs, "output", hiddenName) : null;
        return new OnnxLayout(
                layers,
                dimension(past, 1, names.past(0)),
                dimension(past, 3, names.past(0)),
                past.type,
                dimension(logits, 2, names.logits()),
                type(logits, names.logits()),
                hidden == null ? 0 : dimension(hidden, 2, hiddenName),
                hidden == null ? OnnxJavaType.FLOAT : hidden.type,
                readsHidden);
    }

    private static TensorInfo require(Map<String, NodeInfo> all, String what, String name) {
        NodeInfo info = all.get(name);
        if (info == null) {
            throw new IllegalArgumentException("the model has no " + what + " " + name + ", it has " + all.keySet());
        }
        if (!(info.getInfo() instanceof TensorInfo tensor)) {
            throw new IllegalArgumentException("the " + what + " " + name + " is no tensor");
        }
        return tensor;
    }

    private static int dimension(TensorInfo info, int i, String name) {
        long[] shape = info.getShape();
        if (i >= shape.length || shape[i] < 1) {
            throw new IllegalArgumentException("dimension " + i + " of " + name
                    + " is not a number in the model; export it with a fixed vocabulary, heads and channels");
        }
        return Math.toIntExact(shape[i]);
    }

    private static Logits.Type type(TensorInfo info, String name) {
        return switch (info.type) {
            case FLOAT -> Logits.Type.F32;
            case FLOAT16 -> Logits.Type.F16;
            case BFLOAT16 -> Logits.Type.BF16;
            default -> throw new IllegalArgumentException(
                    "the output " + name + " is " + info.type + ", logits are FLOAT, FLOAT16 or BFLOAT16");
        };
    }
}
