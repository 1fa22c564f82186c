package org.coolsd.models.llamagen;

import org.coolsd.models.decoder.Conditioning;
import org.coolsd.models.decoder.Prefix;

/** Sequences of a class-conditional GPT begin with one position: the class, or the null class in the unconditional branch. */
record ClassConditioning(LlamaGenConfig config) implements Conditioning<Integer> {
    @Override
    public int longestPrefix() {
        return 1;
    }

    @Override
    public int longestSequence() {
        return config.blockSize();
    }

    @Override
    public Prefix prefix(Integer label, boolean conditional) {
        if (label < 0 || label >= config.numClasses()) {
            throw new IllegalArgumentException("label is " + label + ", it must be 0.." + (config.numClasses() - 1));
        }
        return Prefix.of(conditional ? label : config.nullClass());
    }
}
