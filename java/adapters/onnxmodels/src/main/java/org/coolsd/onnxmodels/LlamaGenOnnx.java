package org.coolsd.onnxmodels;

/**
 * LlamaGen and its EAGLE drafter as ONNX models whose inputs and outputs have the names that Hugging Face's Optimum gives
 * them: input_ids, attention_mask, position_ids and past_key_values.N.key/value go in; logits, hidden_states and
 * present.N.key/value come out. The drafter reads hidden_states as well, and has predicted_hidden_states in their place. Numbers are f32.
 *
 * <p>A position sees the past positions whose attention_mask is 1, and of the new ones those before it and itself.
 */
public final class LlamaGenOnnx {
    private static final float TARGET_EPSILON = 1e-5f;
    private static final float DRAFTER_EPSILON = 1e-6f;
    private static final double ROTARY_BASE = 10_000;

    private LlamaGenOnnx() {}

    /** The target: position 0 reads a class, position i the image token i - 1. hidden_states are what its head reads. */
    public static byte[] target(LlamaGenShape shape, ModelWeights weights) {
        OnnxGraph graph = new OnnxGraph();
        int d = shape.dim();
        float[] tokens = weights.get("tok_embeddings.weight", shape.vocab(), d);
        float[] classes = weights.get("cls_embedding.embedding_table.weight", shape.classes() + 1, d);
        float[] table = new float[tokens.length + classes.length];
        System.arraycopy(tokens, 0, table, 0, tokens.length);
        System.arraycopy(classes, 0, table, tokens.length, classes.length);
        DecoderGraph decoder = new DecoderGraph(graph, shape, rotary(shape, 1), TARGET_EPSILON);
        String ids = decoder.ids();
        String x = graph.node("Gather", graph.constant(table, shape.vocab() + shape.classes() + 1L, d), ids);
        for (int i = 0; i < shape.layers(); i++) {
            String at = "layers." + i + ".";
            float[] wqkv = weights.get(at + "attention.wqkv.weight", 3 * d, d);
            x = decoder.layer(
                    i,
                    x,
                    new DecoderGraph.Layer(
                            weights.get(at + "attention_norm.weight", 1, d),
                            wqkv,
                            weights.get(at + "attention.wo.weight", d, d),
                            weights.get(at + "ffn_norm.weight", 1, d),
                            weights.get(at + "feed_forward.w1.weight", shape.hidden(), d),
                            weights.get(at + "feed_forward.w3.weight", shape.hidden(), d),
                            weights.get(at + "feed_forward.w2.weight", d, shape.hidden())));
        }
        String features = decoder.normalise(x, weights.get("norm.weight", 1, d));
        decoder.head("hidden_states", features, weights.get("output.weight", shape.vocab(), d));
        return graph.model();
    }

    /**
     * The drafter: position i reads image token i and the target's feature that it was drawn from, and predicts the next
     * feature, which the target's head makes logits of.
     */
    public static byte[] drafter(LlamaGenShape shape, ModelWeights weights, ModelWeights target) {
        OnnxGraph graph = new OnnxGraph();
        int d = shape.dim();
        DecoderGraph decoder = new DecoderGraph(graph, shape, rotary(shape, 0), DRAFTER_EPSILON);
        String ids = decoder.ids();
        String features = graph.input("hidden_states", OnnxGraph.FLOAT, "batch", "sequence", d);
        String embedded = graph.node(
                "Gather", graph.constant(weights.get("embed_tokens.weight", shape.vocab(), d), shape.vocab(), d), ids);
        String joint = graph.node("Concat", "axis", -1, embedded, features);
        String x = graph.node(
                "Add",
                decoder.product(joint, weights.get("fc.weight", d, 2 * d), d, 2 * d),
                graph.constant(weights.get("fc.bias", 1, d), d));
        String at = "layers.0.";
        float[] wqkv = new float[3 * d * d];
        String[] parts = {"q", "k", "v"};
        for (int i = 0; i < parts.length; i++) {
            float[] part = weights.get(at + "self_attn." + parts[i] + "_proj.weight", d, d);
            System.arraycopy(part, 0, wqkv, i * d * d, d * d);
        }
        x = decoder.layer(
                0,
                x,
                new DecoderGraph.Layer(
                        null,
                        wqkv,
                        weights.get(at + "self_attn.o_proj.weight", d, d),
                        weights.get(at + "post_attention_layernorm.weight", 1, d),
                        weights.get(at + "mlp.gate_proj.weight", shape.hidden(), d),
                        weights.get(at + "mlp.up_proj.weight", shape.hidden(), d),
                        weights.get(at + "mlp.down_proj.weight", d, shape.hidden())));
        decoder.head("predicted_hidden_states", x, target.get("output.weight", shape.vocab(), d));
        return graph.model();
    }

    /**
     * Cosines and sines [positions, headDim] of LlamaGen's embedding: the first half of a head's pairs turns with the row of
     * the image, the second with the column. Positions before the image have both 0, as in the official code. The sine has
     * the sign that goes with the pair's other number.
     */
    private static float[][] rotary(LlamaGenShape shape, int before) {
        int headDim = shape.headDim();
        int half = headDim / 2;
        int quarter = half / 2;
        int positions = before + shape.tokens();
        float[] cos = new float[positions * headDim];
        float[] sin = new float[positions * headDim];
        for (int p = before; p < positions; p++) {
            for (int pair = 0; pair < half; pair++) {
                int cell = pair < quarter ? (p - before) / shape.grid() : (p - before) % shape.grid();
                float frequency = (float) (1 / Math.pow(ROTARY_BASE, 2.0 * (pair % quarter) / half));
                float angle = cell * frequency;
                int at = p * headDim + 2 * pair;
                cos[at] = (float) Math.cos(angle);
                cos[at + 1] = cos[at];
                sin[at] = (float) -Math.sin(angle);
                sin[at + 1] = (float) Math.sin(angle);
            }
        }
        return new float[][] {cos, sin};
    }
}
