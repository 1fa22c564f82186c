package org.coolsd.models.llamagen;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.OfficialLaw;
import org.coolsd.models.Prompt;
import org.coolsd.models.Summary;
import org.coolsd.models.TargetComponent;
import org.coolsd.models.decoder.DecoderPass;
import org.coolsd.models.decoder.Prefix;
import org.coolsd.models.eagle.EagleForm;

/**
 * A GPT in a checkpoint.
 *
 * @param files its files
 * @param config its configuration
 */
public record LlamaGenComponent(CheckpointFiles files, LlamaGenConfig config) implements TargetComponent {
    @Override
    public Summary summary() throws IOException {
        long positions = config.conditions() + config.blockSize();
        // Keys and values, f32, of both branches.
        long cache = 2L * 2 * config.layers() * positions * config.dim() * Float.BYTES;
        return Summary.of(
                files,
                "LlamaGen GPT, " + LlamaGenSizes.name(config) + ", "
                        + (config.captions() ? "t2i" : "c2i, " + config.numClasses() + " classes") + ", "
                        + config.grid() + " x " + config.grid() + " tokens",
                config.vocabSize(),
                Window.ALL,
                name -> true,
                name -> name.equals("output.weight")
                        || name.equals("lm_head.weight")
                        || name.contains("layers.") && !name.contains("norm"),
                cache);
    }

    @Override
    public Set<String> inputs() {
        return config.captions()
                ? Set.of("tokens", CaptionFile.EMBEDDINGS, CaptionFile.MASK)
                : Set.of("tokens", "labels");
    }

    @Override
    public Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected) {
        return config.captions() ? outputsOfCaptions(weights, expected) : outputsOfClasses(weights, expected);
    }

    private Map<String, Tensor> outputsOfCaptions(Weights weights, Map<String, Tensor> expected) {
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        try (TargetForward model = new TargetForward(config, weights, Precision.F32, Placement.cpu())) {
            if (expected.keySet().containsAll(inputs())) {
                Tensor features = features(model, expected);
                Tensor logits =
                        model.decoder().logits(features.flatten(0, 1)).view(features.size(0), -1, config.vocabSize());
                outputs.put("features", features);
                outputs.put("logits", logits);
                outputs.putAll(OfficialLaw.outputs(logits, expected));
                outputs.keySet().retainAll(expected.keySet());
            }
        }
        return outputs;
    }

    /** Features [2 captions, 1 + tokens, dim]: of all captions, then of none, from the last condition position on. */
    private Tensor features(TargetForward model, Map<String, Tensor> expected) {
        Tensor embeddings = expected.get(CaptionFile.EMBEDDINGS);
        int captions = (int) embeddings.size(0);
        Tensor[] rows = new Tensor[2 * captions];
        for (int b = 0; b < captions; b++) {
            Caption caption = CaptionFile.of(
                    embeddings.select(0, b), expected.get(CaptionFile.MASK).select(0, b));
            int[] tokens = CaptionFile.integers(expected.get("tokens").select(0, b));
            CaptionConditioning conditioning = model.captions();
            Prefix[] prefixes = {conditioning.prefix(caption, true), conditioning.prefix(caption, false)};
            int n = caption.positions() + tokens.length;
            try (DecoderPass pass = model.decoder().newPass(2 * n);
                    KvCache cache = model.decoder().newCache(2)) {
                pass.begin();
                pass.add(cache, prefixes, conditioning.turn(caption.positions()), tokens, n);
                pass.run();
                for (int half = 0; half < 2; half++) {
                    long first = (long) half * n + caption.positions() - 1;
                    rows[half * captions + b] =
                            pass.features().narrow(0, first, tokens.length + 1L).clone();
                }
            }
        }
        return torch.stack(new TensorVector(rows), 0);
    }

    private Map<String, Tensor> outputsOfClasses(Weights weights, Map<String, Tensor> expected) {
        LlamaGen model = LlamaGen.forInference(config, weights, Precision.F32);
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        Tensor tokens = expected.get("tokens");
        Tensor labels = expected.get("labels");
        if (tokens != null && labels != null) {
            Tensor none = torch.full_like(labels, new Scalar(config.nullClass()));
            Tensor features = model.features(
                    torch.cat(new TensorVector(labels, none), 0), torch.cat(new TensorVector(tokens, tokens), 0));
            Tensor logits = model.logits(features);
            outputs.put("features", features);
            outputs.put("logits", logits);
            outputs.putAll(OfficialLaw.outputs(logits, expected));
            outputs.keySet().retainAll(expected.keySet());
        }
        return outputs;
    }

    @Override
    public LoadedTarget<?> load(Precision precision, Placement placement) throws IOException {
        return files.build(weights -> {
            TargetForward forward = new TargetForward(config, weights, precision, placement);
            return config.captions()
                    ? new LoadedCaptionModel(forward, precision)
                    : new LoadedClassModel(forward, precision);
        });
    }

    @Override
    public Class<? extends Prompt> prompts() {
        return config.captions() ? Prompt.CaptionEmbeddings.class : Prompt.Label.class;
    }

    @Override
    public EagleForm drafterForm(Weights weights) {
        return new LlamaGenEagleForm(config, weights);
    }
}
