package org.coolsd.models.llamagen;

/**
 * A caption as the text encoder read it, without padding.
 *
 * @param embeddings of its positions, one behind the other [positions * width]; not to be changed
 * @param positions at least 1
 * @param width of an embedding
 */
public record Caption(float[] embeddings, int positions, int width) {
    /** Checks the size. */
    public Caption {
        if (positions < 1 || width < 1 || embeddings.length != positions * width) {
            throw new IllegalArgumentException(embeddings.length + " numbers are no caption of " + positions
                    + " positions with embeddings of width " + width + "; one position is the least");
        }
    }
}
