package org.coolsd.models;

import java.io.IOException;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.Precision;

/**
 * What headers and configuration tell of a model.
 *
 * @param architecture its kind, and its size where that has a name
 * @param parameters elements of the tensors that the model reads
 * @param stored their element types
 * @param vocabulary tokens, or entries of the codebook; 0 if it has none
 * @param imageTokens the tokens that stand for pieces of an image; {@link Window#ALL} if all do
 * @param memory bytes of the weights in memory, by the precisions that it loads at
 * @param perImage bytes that one image takes beside the weights: caches of keys and values; 0 if it is little
 */
public record Summary(
        String architecture,
        long parameters,
        SortedSet<ElementType> stored,
        int vocabulary,
        Window imageTokens,
        Map<Precision, Long> memory,
        long perImage) {

    /**
     * A model that reads the tensors of {@code files} that {@code read} says, and keeps those that {@code matrix} says in the
     * precision of matrix products, the others as f32.
     */
    public static Summary of(
            CheckpointFiles files,
            String architecture,
            int vocabulary,
            Window imageTokens,
            Predicate<String> read,
            Predicate<String> matrix,
            long perImage)
            throws IOException {
        long parameters = 0;
        long inMatrices = 0;
        SortedSet<ElementType> types = new TreeSet<>();
        for (Map.Entry<String, TensorData> e : files.stored().entrySet()) {
            if (read.test(e.getKey())) {
                TensorData tensor = e.getValue();
                long elements = tensor.byteSize() / tensor.type().bytes();
                parameters += elements;
                inMatrices += matrix.test(e.getKey()) ? elements : 0;
                types.add(tensor.type());
            }
        }
        Map<Precision, Long> memory = new EnumMap<>(Precision.class);
        memory.put(Precision.F32, Float.BYTES * parameters);
        if (inMatrices > 0) {
            long halved = Float.BYTES * parameters - 2 * inMatrices;
            memory.put(Precision.BF16, halved);
            memory.put(Precision.F16, halved);
        }
        return new Summary(
                architecture,
                parameters,
                Collections.unmodifiableSortedSet(types),
                vocabulary,
                imageTokens,
                memory,
                perImage);
    }
}
