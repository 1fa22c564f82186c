package org.coolsd.arrays;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.Safetensors;
import org.coolsd.checkpoint.TensorData;

/**
 * The shipped class-conditional transformer in plain Java: LlamaGen's layers (RMS norm, rotary embedding of the image grid,
 * causal attention, SwiGLU), one token at a time over float arrays.
 */
final class ImageTransformer implements ArrayEngine<Integer, ImageTransformer.State> {
    static final int CLASSES = 10;
    static final int GRID = 14;
    private static final int VOCAB = 256;
    private static final int DIM = 128;
    private static final int HEADS = 4;
    private static final int HEAD = DIM / HEADS;
    private static final int HIDDEN = 352;
    private static final int LAYERS = 12;
    private static final float EPSILON = 1e-5f;

    private final Map<String, TensorData> tensors;
    private final float[] classes;
    private final float[] embedding;
    private final float[] norm;
    private final float[] output;
    private final Layer[] layers = new Layer[LAYERS];

    private record Layer(
            float[] attentionNorm, float[] wqkv, float[] wo, float[] ffnNorm, float[] w1, float[] w3, float[] w2) {}

    /** The keys and values of a sequence, [layer][position * DIM], and what a pass writes. */
    static final class State {
        final float[][] keys = new float[LAYERS][(1 + GRID * GRID) * DIM];
        final float[][] values = new float[LAYERS][(1 + GRID * GRID) * DIM];
        final float[] x = new float[DIM];
        final float[] normed = new float[DIM];
        final float[] qkv = new float[3 * DIM];
        final float[] mixed = new float[DIM];
        final float[] gate = new float[HIDDEN];
        final float[] up = new float[HIDDEN];
        final float[] scores = new float[1 + GRID * GRID];
        final float[] logits = new float[VOCAB];
    }

    ImageTransformer(Path file) throws IOException {
        tensors = Safetensors.read(file).tensors();
        classes = weights("cls_embedding.embedding_table.weight");
        embedding = weights("tok_embeddings.weight");
        norm = weights("norm.weight");
        output = weights("output.weight");
        for (int i = 0; i < LAYERS; i++) {
            String at = "layers." + i + ".";
            layers[i] = new Layer(
                    weights(at + "attention_norm.weight"),
                    weights(at + "attention.wqkv.weight"),
                    weights(at + "attention.wo.weight"),
                    weights(at + "ffn_norm.weight"),
                    weights(at + "feed_forward.w1.weight"),
                    weights(at + "feed_forward.w3.weight"),
                    weights(at + "feed_forward.w2.weight"));
        }
    }

    /** A bf16 tensor as floats. */
    private float[] weights(String name) throws IOException {
        TensorData tensor = tensors.get(name);
        if (tensor == null || tensor.type() != ElementType.BF16) {
            throw new IOException("the file has no tensor " + name + " of type BF16");
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) tensor.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
        tensor.read(0, bytes);
        bytes.flip();
        float[] values = new float[bytes.remaining() / 2];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(bytes.getShort() << 16);
        }
        return values;
    }

    @Override
    public int vocab() {
        return VOCAB;
    }

    @Override
    public State newState() {
        return new State();
    }

    @Override
    public float[] begin(State state, Integer label) {
        if (label < 0 || label > CLASSES) {
            throw new IllegalArgumentException("class is " + label + ", it must be 0.." + CLASSES);
        }
        return pass(state, classes, label, 0);
    }

    @Override
    public float[] next(State state, int token, int position) {
        return pass(state, embedding, token, position + 1);
    }

    /** Row {@code row} of a table through all layers, at a position behind which nothing counts. */
    private float[] pass(State s, float[] table, int row, int position) {
        System.arraycopy(table, row * DIM, s.x, 0, DIM);
        for (int i = 0; i < LAYERS; i++) {
            Layer layer = layers[i];
            normalise(s.x, layer.attentionNorm, s.normed);
            multiply(layer.wqkv, s.normed, s.qkv);
            turn(s.qkv, 0, position);
            turn(s.qkv, DIM, position);
            System.arraycopy(s.qkv, DIM, s.keys[i], position * DIM, DIM);
            System.arraycopy(s.qkv, 2 * DIM, s.values[i], position * DIM, DIM);
            attend(s, s.keys[i], s.values[i], position);
            addProduct(layer.wo, s.mixed, s.x);
            normalise(s.x, layer.ffnNorm, s.normed);
            multiply(layer.w1, s.normed, s.gate);
            multiply(layer.w3, s.normed, s.up);
            for (int h = 0; h < HIDDEN; h++) {
                s.gate[h] = s.gate[h] / (1 + (float) Math.exp(-s.gate[h])) * s.up[h];
            }
            addProduct(layer.w2, s.gate, s.x);
        }
        normalise(s.x, norm, s.normed);
        multiply(output, s.normed, s.logits);
        return s.logits;
    }

    private static void attend(State s, float[] keys, float[] values, int position) {
        for (int head = 0; head < HEADS; head++) {
            float largest = Float.NEGATIVE_INFINITY;
            for (int p = 0; p <= position; p++) {
                s.scores[p] = dot(s.qkv, head * HEAD, keys, p * DIM + head * HEAD, HEAD) / (float) Math.sqrt(HEAD);
                largest = Math.max(largest, s.scores[p]);
            }
            float sum = 0;
            for (int p = 0; p <= position; p++) {
                s.scores[p] = (float) Math.exp(s.scores[p] - largest);
                sum += s.scores[p];
            }
            for (int c = head * HEAD; c < (head + 1) * HEAD; c++) {
                float mixed = 0;
                for (int p = 0; p <= position; p++) {
                    mixed += s.scores[p] * values[p * DIM + c];
                }
                s.mixed[c] = mixed / sum;
            }
        }
    }

    /** Turns the pairs of each head: the first half by the row of the image, the second by the column; the class is 0. */
    private static void turn(float[] x, int from, int position) {
        int pairs = HEAD / 2;
        for (int pair = 0; pair < DIM / 2; pair++) {
            int j = pair % pairs;
            int cell = j < pairs / 2 ? (position - 1) / GRID : (position - 1) % GRID;
            double angle = cell / Math.pow(10000, 2.0 * (j % (pairs / 2)) / pairs);
            float cos = position == 0 ? 0 : (float) Math.cos(angle);
            float sin = position == 0 ? 0 : (float) Math.sin(angle);
            float a = x[from + 2 * pair];
            float b = x[from + 2 * pair + 1];
            x[from + 2 * pair] = a * cos - b * sin;
            x[from + 2 * pair + 1] = b * cos + a * sin;
        }
    }

    private static void normalise(float[] x, float[] weight, float[] to) {
        float scale = (float) (1 / Math.sqrt(dot(x, 0, x, 0, DIM) / DIM + EPSILON));
        for (int c = 0; c < DIM; c++) {
            to[c] = x[c] * scale * weight[c];
        }
    }

    private static void multiply(float[] matrix, float[] x, float[] to) {
        for (int row = 0; row < to.length; row++) {
            to[row] = dot(matrix, row * x.length, x, 0, x.length);
        }
    }

    private static void addProduct(float[] matrix, float[] x, float[] to) {
        for (int row = 0; row < to.length; row++) {
            to[row] += dot(matrix, row * x.length, x, 0, x.length);
        }
    }

    private static float dot(float[] a, int fromA, float[] b, int fromB, int n) {
        float sum = 0;
        for (int i = 0; i < n; i++) {
            sum += a[fromA + i] * b[fromB + i];
        }
        return sum;
    }
}
