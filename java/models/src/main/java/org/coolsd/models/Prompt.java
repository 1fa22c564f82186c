package org.coolsd.models;

import org.coolsd.models.llamagen.CaptionFile;
import org.coolsd.models.t5.EncodedText;

/** What an image is asked for with. */
public sealed interface Prompt {
    /**
     * A class of the data set that the model was trained on.
     *
     * @param index from 0
     */
    record Label(int index) implements Prompt {}

    /**
     * A description in words.
     *
     * @param width of the picture in pixels; 0 for what the model makes unless told otherwise
     * @param height likewise
     */
    record Text(String text, int width, int height) implements Prompt {
        /** A picture of the model's own size. */
        public Text(String text) {
            this(text, 0, 0);
        }
    }

    /**
     * A description as a text encoder read it.
     *
     * @param file which has it among others
     * @param index of the caption in it, from 0
     */
    record CaptionEmbeddings(CaptionFile file, int index) implements Prompt {}

    /** A description that a text encoder has just read. */
    record Encoded(EncodedText text) implements Prompt {}
}
