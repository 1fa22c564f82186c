package org.coolsd.server;

import org.coolsd.decode.Result;

/** What happens to one of a request's images. */
sealed interface ImageEvent {
    /** Which one, from 0. */
    int image();

    /**
     * A step was decided, or the model forced tokens.
     *
     * @param position of its first token
     * @param draft what was drafted
     * @param accepted how many of those stay
     * @param tokens what the step yields; one more than accepted, unless they were forced
     * @param drift sum of D of the step
     */
    record Stepped(int image, int position, int[] draft, int accepted, int[] tokens, double drift)
            implements ImageEvent {
        /** How its last token came about. */
        String kind() {
            if (tokens.length == accepted) {
                return "forced";
            }
            return accepted < draft.length ? "resampled" : "bonus";
        }
    }

    /**
     * All of its tokens are decided.
     *
     * @param waited seconds before it had a slot
     * @param decoded seconds in the slot
     */
    record Made(int image, Result result, double waited, double decoded) implements ImageEvent {}

    /** It will not be made. */
    record Failed(int image, Throwable why) implements ImageEvent {}
}
