package org.coolsd.passes;

/**
 * What the inputs and outputs of a decoder are called. Names of key-values have the layer's number where they say {@code %d}.
 * Shapes are those of a batch of b rows that have p past positions and get s new ones.
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
public record DecoderNames(
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
    public static DecoderNames optimum() {
        return new DecoderNames(
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

    /** Of the 2 layers tensors of past key-values (the keys of a layer, then its values), number i. */
    public String past(int i) {
        return (i % 2 == 0 ? pastKey : pastValue).formatted(i / 2);
    }

    /** Of the present ones likewise. */
    public String present(int i) {
        return (i % 2 == 0 ? presentKey : presentValue).formatted(i / 2);
    }

    /** The output that an EAGLE drafter reads: the target's, or its own. */
    public String hiddenOutput(boolean ofDrafter) {
        return ofDrafter ? predictedStates : hiddenStates;
    }
}
