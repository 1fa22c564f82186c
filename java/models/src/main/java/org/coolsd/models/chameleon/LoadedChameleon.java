package org.coolsd.models.chameleon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.KvCacheMemory;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.ImageCodes;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.Prompt;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.decoder.DecoderTarget;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.eagle.EagleModel;
import org.jspecify.annotations.Nullable;

/**
 * A Chameleon decoder with its weights.
 *
 * @param precision of the matrix products
 * @param folder where a tokenizer was looked for
 * @param tokenizer null if there is none
 * @param drafters those that were made for it, which are closed with it
 */
record LoadedChameleon(
        ChameleonConfig config,
        ChameleonFamily family,
        ChameleonVocabulary vocabulary,
        DecoderForward forward,
        Precision precision,
        Path folder,
        @Nullable ChameleonTokenizer tokenizer,
        List<DrafterForward> drafters)
        implements LoadedTarget<ChameleonPrompt> {
    @Override
    public TargetModel<ChameleonPrompt> model(boolean guided, int threads) {
        return new DecoderTarget<>(forward, new ChameleonConditioning(config), guided, threads);
    }

    @Override
    public ChameleonPrompt condition(Prompt prompt) {
        if (!(prompt instanceof Prompt.Text text)) {
            throw new IllegalArgumentException(family.official() + " makes images of words: use --prompt");
        }
        if (tokenizer == null) {
            throw new IllegalArgumentException("no tokenizer.json or text_tokenizer.json in " + folder
                    + ", nor in its folder tokenizer; download it from where the weights are");
        }
        ChameleonPrompt asked = family.prompt(text, tokenizer, vocabulary);
        int wanted = Math.max(asked.tokens().length, asked.unconditional().length)
                + asked.grammar().length();
        if (wanted > config.positions()) {
            throw new IllegalArgumentException("prompt and image have " + wanted
                    + " tokens and max_position_embeddings is " + config.positions()
                    + "; shorten the one or make the other smaller");
        }
        return asked;
    }

    @Override
    public int length(ChameleonPrompt condition) {
        return condition.grammar().length();
    }

    @Override
    public ImageCodes codes(ChameleonPrompt condition, int[] tokens) {
        return condition.grammar().codes(named(tokens));
    }

    @Override
    public int[] firstCodes(ChameleonPrompt condition, int[] tokens, int count) {
        return condition.grammar().codes(named(tokens), count);
    }

    /** The tokens by their numbers in the whole vocabulary. */
    private int[] named(int[] tokens) {
        int first = vocabulary.image().window().from();
        int[] named = tokens.clone();
        for (int i = 0; i < named.length; i++) {
            named[i] += first;
        }
        return named;
    }

    /** Caches grow one after the other. */
    @Override
    public long memory(ChameleonPrompt condition, boolean guided, int images) {
        KvCacheMemory cache = config.cache();
        int length = Math.max(condition.tokens().length, condition.unconditional().length) + length(condition);
        return cache.bytes(length) * (guided ? 2 : 1) * images + cache.growing(length);
    }

    @Override
    public ImageCodes blank(ChameleonPrompt condition) {
        int rows = condition.grammar().rows();
        int columns = condition.grammar().columns();
        return new ImageCodes(new int[rows * columns], rows, columns);
    }

    @Override
    public Sampling sampling() {
        return family.sampling();
    }

    @Override
    public Drafter<ChameleonPrompt> eagle(DrafterComponent drafter) throws IOException {
        if (!(drafter instanceof ChameleonEagleComponent eagle)) {
            throw new IllegalArgumentException(drafter.files() + " is no EAGLE drafter for " + family.official());
        }
        DrafterForward loaded =
                eagle.load(forward, config, vocabulary.image().window().from(), precision);
        drafters.add(loaded);
        return new EagleModel<>(loaded);
    }

    @Override
    public void close() {
        // The target first: if a decoder has it, nothing is freed.
        forward.close();
        drafters.forEach(DrafterForward::close);
        drafters.clear();
        if (tokenizer != null) {
            tokenizer.close();
        }
    }
}
