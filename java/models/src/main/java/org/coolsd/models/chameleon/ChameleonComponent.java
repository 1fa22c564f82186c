package org.coolsd.models.chameleon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.Prompt;
import org.coolsd.models.Summary;
import org.coolsd.models.TargetComponent;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.eagle.EagleForm;
import org.jspecify.annotations.Nullable;

/** A Chameleon decoder in a checkpoint. */
record ChameleonComponent(CheckpointFiles files, ChameleonConfig config, ChameleonVocabulary vocabulary)
        implements TargetComponent {
    /** The encoder of images that transformers' conversions have beside the decoder: pictures are made by Meta's VQGAN. */
    private static final String ENCODER = "model.vqmodel.";

    /** An image of 512 x 512 pixels with the ends of its lines, and a prompt of some 60 tokens. */
    private static final int USUAL_POSITIONS = 1120;

    @Override
    public Summary summary() throws IOException {
        // Keys and values, f32, of both branches.
        long cache = 2 * config.cache().bytes(USUAL_POSITIONS);
        return Summary.of(
                files,
                "Chameleon, " + config.layers() + " layers of width " + config.dim(),
                config.vocabSize(),
                vocabulary.image().window(),
                name -> !isUnused(name),
                name -> name.equals("lm_head.weight") || name.endsWith("_proj.weight"),
                cache);
    }

    @Override
    public Set<String> inputs() {
        return Set.of("tokens");
    }

    @Override
    public Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected) {
        Chameleon model = new Chameleon(config, weights);
        // Of one token if nothing is expected: so that every tensor is asked for.
        Tensor tokens = expected.containsKey("tokens") ? expected.get("tokens") : Tensors.of(new long[] {0}, 1, 1);
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        Tensor features = model.features(tokens);
        outputs.put("features", features);
        outputs.put("logits", model.logits(features));
        outputs.keySet().retainAll(expected.keySet());
        return outputs;
    }

    @Override
    public Set<String> knownUnused(Weights weights) {
        Set<String> names = new TreeSet<>(weights.names());
        names.removeIf(name -> !isUnused(name));
        return names;
    }

    private boolean isUnused(String name) {
        return name.startsWith(ENCODER)
                || name.endsWith(".rotary_emb.inv_freq")
                || config.tied() && name.equals("lm_head.weight");
    }

    @Override
    public LoadedTarget<?> load(Precision precision, Placement placement) throws IOException {
        Optional<Path> file = ChameleonVocabulary.tokenizer(files.folder());
        // Small, and the first to be wrong: before the weights, which take the time.
        ChameleonTokenizer tokenizer =
                file.isPresent() ? ChameleonTokenizer.open(file.get(), config.vocabSize()) : null;
        try {
            ChameleonFamily family = ChameleonFamily.of(files.config());
            DecoderForward forward = files.build(weights ->
                    ChameleonTensors.forward(config, weights, vocabulary.image().window(), precision, placement));
            return new LoadedChameleon(
                    config, family, vocabulary, forward, precision, files.folder(), tokenizer, new ArrayList<>());
        } catch (IOException | RuntimeException | Error e) {
            close(tokenizer);
            throw e;
        }
    }

    @Override
    public Class<? extends Prompt> prompts() {
        return Prompt.Text.class;
    }

    @Override
    public EagleForm drafterForm(Weights weights) {
        return new ChameleonEagleForm(config, vocabulary.image().window(), weights);
    }

    private static void close(@Nullable ChameleonTokenizer tokenizer) {
        if (tokenizer != null) {
            tokenizer.close();
        }
    }
}
