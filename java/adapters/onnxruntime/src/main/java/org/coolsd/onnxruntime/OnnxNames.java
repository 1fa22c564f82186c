package org.coolsd.onnxruntime;

/**
 * What a decoder's inputs and outputs are called. Names of key-values have the layer's number where they say {@code %d}.
 * Shapes are those of a batch of b sequences that have p past positions and get s new ones.
 *
 * @param inputIds i64 [b, s]
 * @param attentionMask i64 [b, p + s]: 0 for positions that nothing may look at
 * @param positionIds i64 [b, s]
 * @param pastKey [b, heads, p, channels]
 * @param pastValue likewise
 * @param logits [b, s, V]
 * @param presentKey [b, heads, p + s, channels]: the past, then what is new
 * @param presentValue likewise
 * @param hiddenStates [b, s, width]: what an EAGLE drafter reads; an output of the target, an input of the drafter
 * @param predictedStates likewise, the output of the drafter: what it predicts of the next position
 */
public record OnnxNames(
        String inputIds,
        String attentionMask,
        String positionIds,
        String pastKey,
        String pastValue,
        String logits,
        String presentKey,
        String presentValue,
        String hiddenStates,
        String predictedStates) {
    /** Those that Hugging Face's Optimum gives to decoders that it exports. */
    public static OnnxNames optimum() {
        return new OnnxNames(
                "input_ids",
                "attention_mask",
                "position_ids",
                "past_key_values.%d.key",
                "past_key_values.%d.value",
                "logits",
                "present.%d.key",
                "present.%d.value",
                "hidden_states",
                "predicted_hidden_states");
    }

    /** The output that an EAGLE drafter reads: the target's, or its own. */
    String hiddenOutput(boolean ofDrafter) {
        return ofDrafter ? predictedStates : hiddenStates;
    }

    /** Past key-values of a layer: its keys, then its values. */
    String past(int layer, int kind) {
        return (kind == 0 ? pastKey : pastValue).formatted(layer);
    }

    /** Present key-values of a layer likewise. */
    String present(int layer, int kind) {
        return (kind == 0 ? presentKey : presentValue).formatted(layer);
    }
}
