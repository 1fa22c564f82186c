package org.coolsd.models;

/**
 * An image as entries of a codebook.
 *
 * @param indices row by row from the top [rows * columns]
 * @param rows at least 1
 * @param columns at least 1
 */
public record ImageCodes(int[] indices, int rows, int columns) {
    /** Checks the size. */
    public ImageCodes {
        if (rows < 1 || columns < 1 || indices.length != rows * columns) {
            throw new IllegalArgumentException(indices.length + " codes are no image of " + rows + " x " + columns);
        }
    }
}
