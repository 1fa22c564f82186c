package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.TensorShape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.coolsd.Logits;

/**
 * Rows of logits in one direct buffer, which Jlama writes as tensors and coolsd reads as views: nothing is copied, and nothing
 * is allocated after the constructor but the views that are asked for first.
 */
final class LogitsRows {
    private static final int CACHE_LINE = 64;

    private final AbstractModel model;
    private final int vocab;
    private final int stride;
    private final FloatBuffer values;
    private final AbstractTensor<?, ?>[] tensors;
    private final Logits[][] views;

    /** Memory for {@code groups} groups of {@code stride} rows. */
    LogitsRows(AbstractModel model, int groups, int stride) {
        this.model = model;
        this.stride = stride;
        vocab = model.getConfig().vocabularySize;
        int rows = Math.multiplyExact(groups, stride);
        int bytes = Math.multiplyExact(Math.multiplyExact(rows, vocab), Float.BYTES);
        // An aligned slice begins and ends at a cache line.
        values = ByteBuffer.allocateDirect(Math.addExact(bytes, 2 * CACHE_LINE))
                .alignedSlice(CACHE_LINE)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
        tensors = new AbstractTensor<?, ?>[rows];
        for (int row = 0; row < rows; row++) {
            tensors[row] = new FloatBufferTensor(values.slice(row * vocab, vocab), TensorShape.of(1, vocab), false);
        }
        views = new Logits[rows][stride + 1];
    }

    /**
     * Fills a row from what the last layer gave for a token.
     *
     * <p>Jlama's own sampler at temperature 0 leaves the logits in the tensor that it is given, scaled and capped as the model
     * has it, and returns their largest; there is no other public way to them but {@code getLogits}, which makes
     * probabilities in a new array.
     *
     * @param output [1, embedding]
     */
    void fill(int group, int row, AbstractTensor<?, ?> output) {
        model.sample(output, 0, 0, tensors[group * stride + row]);
    }

    /** Rows {@code first} to {@code first + count} of a group, as they are until they are filled again. */
    Logits view(int group, int first, int count) {
        int row = group * stride + first;
        Logits view = views[row][count];
        if (view == null) {
            view = Logits.of(values.slice(row * vocab, count * vocab), count, vocab);
            views[row][count] = view;
        }
        return view;
    }
}
