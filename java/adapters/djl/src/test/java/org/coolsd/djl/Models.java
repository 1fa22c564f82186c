package org.coolsd.djl;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDList;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coolsd.onnxmodels.LlamaGenShape;

/** Models of this project's writer in DJL's engine of ONNX Runtime. */
final class Models {
    private Models() {}

    /** Loads a model from the bytes of its file. */
    static ZooModel<NDList, NDList> load(byte[] onnx)
            throws IOException, ModelNotFoundException, MalformedModelException {
        Path folder = Files.createTempDirectory("coolsd-djl");
        Path file = folder.resolve("model.onnx");
        try {
            Files.write(file, onnx);
            return Criteria.builder()
                    .setTypes(NDList.class, NDList.class)
                    .optModelPath(file)
                    .optEngine("OnnxRuntime")
                    .optOption("intraOpNumThreads", "1")
                    .build()
                    .loadModel();
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(folder);
        }
    }

    static DecoderShape shape(LlamaGenShape shape) {
        return new DecoderShape(shape.layers(), shape.heads(), shape.dim() / shape.heads(), shape.vocab(), shape.dim());
    }

    /** The one layer of a drafter for it. */
    static DecoderShape drafter(LlamaGenShape shape) {
        return new DecoderShape(1, shape.heads(), shape.dim() / shape.heads(), shape.vocab(), shape.dim());
    }
}
