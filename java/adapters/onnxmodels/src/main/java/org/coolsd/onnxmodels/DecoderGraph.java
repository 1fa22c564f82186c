package org.coolsd.onnxmodels;

import org.jspecify.annotations.Nullable;

/** The parts that target and drafter have in common: inputs, mask, layers with their key-values, and the head. */
final class DecoderGraph {
    /** What a hidden position's score becomes: its weight is then exactly 0. */
    private static final float HIDDEN = -3e38f;

    private final OnnxGraph graph;
    private final LlamaGenShape shape;
    private final float epsilon;
    private final String ids;
    /** [batch, 1, sequence, past + sequence]: 0 where a position is seen. */
    private final String mask;
    /** [batch, sequence, 1, headDim]. */
    private final String cos;

    private final String sin;
    private final String flip;

    /** A layer's weights; the first norm may be missing. */
    record Layer(
            float @Nullable [] attentionNorm,
            float[] wqkv,
            float[] wo,
            float[] ffnNorm,
            float[] w1,
            float[] w3,
            float[] w2) {}

    /** @param rotary cosines and sines [positions, headDim] */
    DecoderGraph(OnnxGraph graph, LlamaGenShape shape, float[][] rotary, float epsilon) {
        this.graph = graph;
        this.shape = shape;
        this.epsilon = epsilon;
        ids = graph.input("input_ids", OnnxGraph.INT64, "batch", "sequence");
        String seen = graph.input("attention_mask", OnnxGraph.INT64, "batch", "past_and_sequence");
        String positions = graph.input("position_ids", OnnxGraph.INT64, "batch", "sequence");
        mask = mask(seen);
        int headDim = shape.headDim();
        long rows = rotary[0].length / headDim;
        cos = graph.node(
                "Unsqueeze",
                graph.node("Gather", graph.constant(rotary[0], rows, headDim), positions),
                graph.constant(new long[] {2}, 1));
        sin = graph.node(
                "Unsqueeze",
                graph.node("Gather", graph.constant(rotary[1], rows, headDim), positions),
                graph.constant(new long[] {2}, 1));
        long[] others = new long[headDim];
        for (int i = 0; i < headDim; i++) {
            others[i] = i ^ 1;
        }
        flip = graph.constant(others, headDim);
    }

    /** input_ids. */
    String ids() {
        return ids;
    }

    private String mask(String seen) {
        String zero = graph.constant(new long[] {0});
        String one = graph.constant(new long[] {1});
        String sequence = graph.node("Gather", graph.node("Shape", ids), one);
        String all = graph.node("Gather", graph.node("Shape", seen), one);
        String last = graph.node("Range", graph.node("Sub", all, sequence), all, one);
        String causal = graph.node(
                "LessOrEqual",
                graph.node("Range", zero, all, one),
                graph.node("Unsqueeze", last, graph.constant(new long[] {1}, 1)));
        String kept = graph.node("Greater", seen, zero);
        String visible = graph.node("And", causal, graph.node("Unsqueeze", kept, graph.constant(new long[] {1, 2}, 2)));
        return graph.node("Where", visible, graph.constant(new float[] {0}), graph.constant(new float[] {HIDDEN}));
    }

    /** x [.., columns] times the transpose of a weight [rows, columns]. */
    String product(String x, float[] weight, int rows, int columns) {
        float[] turned = new float[weight.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                turned[column * rows + row] = weight[row * columns + column];
            }
        }
        return graph.node("MatMul", x, graph.constant(turned, columns, rows));
    }

    /** x / sqrt(mean(x^2) + epsilon) * weight. */
    String normalise(String x, float[] weight) {
        String root =
                graph.node("Sqrt", graph.node("Add", graph.meanOfSquares(x), graph.constant(new float[] {epsilon})));
        return graph.node("Mul", graph.node("Div", x, root), graph.constant(weight, weight.length));
    }

    /** The residual stream behind layer {@code i}. */
    String layer(int i, String x, Layer weights) {
        int d = shape.dim();
        String normed = weights.attentionNorm == null ? x : normalise(x, weights.attentionNorm);
        String query = turn(heads(product(normed, part(weights.wqkv, 0), d, d)));
        String key = turn(heads(product(normed, part(weights.wqkv, 1), d, d)));
        String value = heads(product(normed, part(weights.wqkv, 2), d, d));
        String keys = present(i, "key", graph.transpose(key, 0, 2, 1, 3));
        String values = present(i, "value", graph.transpose(value, 0, 2, 1, 3));
        String scale = graph.constant(new float[] {(float) (1 / Math.sqrt(shape.headDim()))});
        String scores = graph.node(
                "MatMul",
                graph.node("Mul", graph.transpose(query, 0, 2, 1, 3), scale),
                graph.transpose(keys, 0, 1, 3, 2));
        String shares = graph.node("Softmax", "axis", -1, graph.node("Add", scores, mask));
        String mixed = graph.transpose(graph.node("MatMul", shares, values), 0, 2, 1, 3);
        String joined = graph.node("Reshape", mixed, graph.constant(new long[] {0, 0, d}, 3));
        String h = graph.node("Add", x, product(joined, weights.wo, d, d));
        String n = normalise(h, weights.ffnNorm);
        String gate = product(n, weights.w1, shape.hidden(), d);
        String gated = graph.node(
                "Mul", graph.node("Mul", gate, graph.node("Sigmoid", gate)), product(n, weights.w3, shape.hidden(), d));
        return graph.node("Add", h, product(gated, weights.w2, d, shape.hidden()));
    }

    private float[] part(float[] wqkv, int i) {
        int size = shape.dim() * shape.dim();
        return java.util.Arrays.copyOfRange(wqkv, i * size, (i + 1) * size);
    }

    /** [batch, sequence, heads, headDim]. */
    private String heads(String x) {
        return graph.node("Reshape", x, graph.constant(new long[] {0, 0, shape.heads(), shape.headDim()}, 4));
    }

    private String turn(String x) {
        return graph.node(
                "Add", graph.node("Mul", x, cos), graph.node("Mul", graph.node("Gather", "axis", 3, x, flip), sin));
    }

    /** The past key-values and these behind them, which are an output too. */
    private String present(int i, String kind, String added) {
        String past = graph.input(
                "past_key_values." + i + "." + kind, OnnxGraph.FLOAT, "batch", shape.heads(), "past", shape.headDim());
        String present = graph.node("Concat", "axis", 2, past, added);
        graph.output(
                "present." + i + "." + kind, present, "batch", shape.heads(), "past_and_sequence", shape.headDim());
        return present;
    }

    /** The outputs logits and, under that name, features. @param output weight [vocab, dim] */
    void head(String name, String features, float[] output) {
        graph.output(
                "logits", product(features, output, shape.vocab(), shape.dim()), "batch", "sequence", shape.vocab());
        graph.output(name, features, "batch", "sequence", shape.dim());
    }
}
