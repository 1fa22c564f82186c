package org.coolsd.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.training.TokenCache;
import org.coolsd.training.data.FashionMnist;
import org.coolsd.training.evaluation.Classifier;
import org.coolsd.training.evaluation.Evaluator;
import org.coolsd.training.evaluation.FrechetDistance;

/** The figures of a model card that need no generated image. Each model is read for its own figures, and freed. */
final class ModelCard {
    private ModelCard() {}

    /**
     * Figures by name.
     *
     * @param test pictures, at least two
     * @param features of them in the classifier, f32 [n, Classifier.FEATURES]
     */
    static Map<String, Object> of(ModelFolder folder, FashionMnist test, Classifier classifier, Tensor features)
            throws IOException {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("test.pictures", test.size());
        figures.put("test.classifierAccuracy", Evaluator.accuracy(classifier, features, test.labels()));
        long half = test.size() / 2;
        figures.put(
                "test.frechetDistanceFloor",
                FrechetDistance.between(features.narrow(0, half, half), features.narrow(0, 0, half)));
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor tokens;
            try (Weights weights = folder.weights("tokenizer")) {
                VqTokenizer tokenizer = new VqTokenizer(folder.config().tokenizer(), weights);
                figures.put("test.reconstructionPsnr", Evaluator.reconstruction(tokenizer, Evaluator.pictures(test)));
                tokens = TokenCache.encode(test, tokenizer);
            }
            try (Weights weights = folder.weights("target")) {
                LlamaGen target = LlamaGen.forInference(folder.config().target(), weights, Precision.BF16);
                figures.put(
                        "test.negativeLogLikelihoodPerToken",
                        Evaluator.negativeLogLikelihood(target, tokens, test.labels()));
            }
        }
        return figures;
    }
}
