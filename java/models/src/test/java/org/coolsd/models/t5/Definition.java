package org.coolsd.models.t5;

import java.util.Arrays;
import org.coolsd.models.tiny.TinyT5;

/**
 * The encoder's definition (arXiv 1910.10683 and 2002.05202, and what transformers documents of T5EncoderModel), one number
 * after the other in f64.
 */
final class Definition {
    private final T5Config c;
    private final TinyT5 model;

    /** The largest hidden value of a feed-forward or number of the residual stream so far. */
    double largest;

    Definition(TinyT5 model) {
        this.model = model;
        this.c = model.config();
    }

    double[] states(long[] tokens) {
        return states(tokens, tokens.length);
    }

    /** States [tokens, dim], where only the first {@code read} tokens are read by others. */
    double[] states(long[] tokens, int read) {
        int n = tokens.length;
        double[][] x = new double[n][c.dim()];
        for (int i = 0; i < n; i++) {
            for (int d = 0; d < c.dim(); d++) {
                x[i][d] = model.weights().get("shared.weight")[(int) tokens[i] * c.dim() + d];
            }
        }
        for (int layer = 0; layer < c.layers(); layer++) {
            String name = "encoder.block." + layer + ".layer.";
            add(x, attention(normed(x, name + "0.layer_norm.weight"), name + "0.SelfAttention.", read));
            add(x, feedForward(normed(x, name + "1.layer_norm.weight"), name + "1.DenseReluDense."));
        }
        return Arrays.stream(normed(x, "encoder.final_layer_norm.weight"))
                .flatMapToDouble(Arrays::stream)
                .toArray();
    }

    private void add(double[][] x, double[][] y) {
        for (int i = 0; i < x.length; i++) {
            for (int d = 0; d < x[i].length; d++) {
                x[i][d] += y[i][d];
                largest = Math.max(largest, Math.abs(x[i][d]));
            }
        }
    }

    private double[][] normed(double[][] x, String weight) {
        double[][] y = new double[x.length][];
        for (int i = 0; i < x.length; i++) {
            double squares = 0;
            for (double v : x[i]) {
                squares += v * v;
            }
            y[i] = new double[x[i].length];
            for (int d = 0; d < x[i].length; d++) {
                y[i][d] = x[i][d]
                        / Math.sqrt(squares / x[i].length + c.normEps())
                        * model.weights().get(weight)[d];
            }
        }
        return y;
    }

    private double[][] times(double[][] x, String weight) {
        float[] w = model.weights().get(weight + ".weight");
        int in = x[0].length;
        double[][] y = new double[x.length][w.length / in];
        for (int i = 0; i < x.length; i++) {
            for (int o = 0; o < y[i].length; o++) {
                for (int d = 0; d < in; d++) {
                    y[i][o] += x[i][d] * w[o * in + d];
                }
            }
        }
        return y;
    }

    private double[][] attention(double[][] x, String name, int read) {
        double[][] q = times(x, name + "q");
        double[][] k = times(x, name + "k");
        double[][] v = times(x, name + "v");
        float[] bias = model.weights().get("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
        double[][] attended = new double[x.length][c.heads() * c.headDim()];
        for (int h = 0; h < c.heads(); h++) {
            for (int i = 0; i < x.length; i++) {
                double[] weight = new double[read];
                double sum = 0;
                for (int j = 0; j < read; j++) {
                    double score = bias[bucket(j - i) * c.heads() + h];
                    for (int d = h * c.headDim(); d < (h + 1) * c.headDim(); d++) {
                        score += q[i][d] * k[j][d];
                    }
                    weight[j] = Math.exp(score);
                    sum += weight[j];
                }
                for (int j = 0; j < read; j++) {
                    for (int d = h * c.headDim(); d < (h + 1) * c.headDim(); d++) {
                        attended[i][d] += weight[j] / sum * v[j][d];
                    }
                }
            }
        }
        return times(attended, name + "o");
    }

    /** In steps of the whole numbers that the logarithm lies between, instead of by it. */
    private int bucket(int relative) {
        int half = c.buckets() / 2;
        int exact = half / 2;
        int distance = Math.abs(relative);
        int bucket = distance;
        if (distance >= exact) {
            bucket = exact;
            // Bucket exact + s begins at exact (maxDistance / exact)^(s / (half - exact)).
            while (bucket < half - 1
                    && distance
                            >= exact
                                    * Math.pow(
                                            (double) c.maxDistance() / exact,
                                            (double) (bucket + 1 - exact) / (half - exact))) {
                bucket++;
            }
        }
        return bucket + (relative > 0 ? half : 0);
    }

    private double[][] feedForward(double[][] x, String name) {
        double[][] hidden = times(x, name + (c.gated() ? "wi_1" : "wi"));
        double[][] gate = c.gated() ? times(x, name + "wi_0") : null;
        for (int i = 0; i < hidden.length; i++) {
            for (int f = 0; f < hidden[i].length; f++) {
                hidden[i][f] = gate == null ? Math.max(0, hidden[i][f]) : gelu(gate[i][f]) * hidden[i][f];
                largest = Math.max(largest, Math.abs(hidden[i][f]));
            }
        }
        return times(hidden, name + "wo");
    }

    private static double gelu(double x) {
        return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }
}
