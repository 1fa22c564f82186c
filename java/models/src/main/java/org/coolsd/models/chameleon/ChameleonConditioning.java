package org.coolsd.models.chameleon;

import java.util.Arrays;
import org.coolsd.decode.Window;
import org.coolsd.models.decoder.Conditioning;
import org.coolsd.models.decoder.Prefix;

/** Sequences of a Chameleon decoder begin with a prompt's tokens; what follows is an image, as its grammar says. */
record ChameleonConditioning(ChameleonConfig config) implements Conditioning<ChameleonPrompt> {
    @Override
    public int longestPrefix() {
        return config.positions();
    }

    @Override
    public int longestSequence() {
        return config.positions();
    }

    @Override
    public Prefix prefix(ChameleonPrompt prompt, boolean conditional) {
        return Prefix.of(Arrays.stream(conditional ? prompt.tokens() : prompt.unconditional())
                .asLongStream()
                .toArray());
    }

    @Override
    public boolean evenBranches() {
        return false;
    }

    @Override
    public int longestForced() {
        return ImageGrammar.LONGEST_FORCED;
    }

    /** In tokens of the decoding loop: see {@link ChameleonTensors}. */
    @Override
    public Window allowed(ChameleonPrompt prompt, int[] tokens, int committed, int position) {
        Window allowed = prompt.grammar().allowed(position);
        int first = prompt.grammar().vocabulary().image().window().from();
        return new Window(allowed.from() - first, allowed.to() - first);
    }
}
