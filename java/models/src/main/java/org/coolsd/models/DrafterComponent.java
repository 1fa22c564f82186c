package org.coolsd.models;

/** A model that drafts for a target: {@link LoadedTarget#eagle} loads it, since it computes with parts of that. */
public interface DrafterComponent extends Component {
    /**
     * Checks that features and tokens of a target are those that a drafter reads.
     *
     * @param files the drafter's
     * @param dim width of its features
     * @param vocab its tokens
     * @throws IllegalArgumentException in one line, if they are not
     */
    static void requireSame(CheckpointFiles files, int dim, int vocab, int targetDim, int targetVocab) {
        if (dim != targetDim || vocab != targetVocab) {
            throw new IllegalArgumentException("the drafter " + files + " has width " + dim + " and " + vocab
                    + " tokens, the target " + targetDim + " and " + targetVocab + "; it is another model's");
        }
    }
}
