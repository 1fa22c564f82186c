package org.coolsd;

/**
 * How logits become probabilities: guidance, temperature, window, top-k, top-p, in this order. Immutable; every method
 * returns a changed copy.
 *
 * @param temperature at least 0; 0 is argmax, ties to the lowest index
 * @param guidance classifier-free guidance scale g: logits = u + g (c - u); unused without unconditional logits u
 * @param topK keep the k largest, ties to the lowest index; 0 keeps all
 * @param topP keep the smallest leading set with at least this mass; in (0, 1], 1 keeps all
 * @param windowFrom first token that can be drawn
 * @param windowTo token after the last that can be drawn; 0 with windowFrom 0 means all
 */
public record Sampling(float temperature, float guidance, int topK, float topP, int windowFrom, int windowTo) {
    /** Checks ranges; the message names the argument and its value. */
    public Sampling {
        if (!(temperature >= 0) || Float.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature is " + temperature + ", it must be finite and at least 0");
        }
        if (!Float.isFinite(guidance)) {
            throw new IllegalArgumentException("guidance is " + guidance + ", it must be finite");
        }
        if (topK < 0) {
            throw new IllegalArgumentException("topK is " + topK + ", it must be at least 0");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("topP is " + topP + ", it must be above 0 and at most 1");
        }
        boolean all = windowFrom == 0 && windowTo == 0;
        if (!all && (windowFrom < 0 || windowFrom >= windowTo)) {
            throw new IllegalArgumentException(
                    "window is [" + windowFrom + ", " + windowTo + "), it must hold a token");
        }
    }

    /** Temperature 1, no guidance, nothing cut. */
    public static Sampling of() {
        return new Sampling(1, 1, 0, 1, 0, 0);
    }

    /** With another temperature. */
    public Sampling temperature(float value) {
        return new Sampling(value, guidance, topK, topP, windowFrom, windowTo);
    }

    /** With another guidance scale. */
    public Sampling guidance(float value) {
        return new Sampling(temperature, value, topK, topP, windowFrom, windowTo);
    }

    /** With another top-k. */
    public Sampling topK(int value) {
        return new Sampling(temperature, guidance, value, topP, windowFrom, windowTo);
    }

    /** With another top-p. */
    public Sampling topP(float value) {
        return new Sampling(temperature, guidance, topK, value, windowFrom, windowTo);
    }

    /** With another vocabulary window [from, to). */
    public Sampling window(int from, int to) {
        return new Sampling(temperature, guidance, topK, topP, from, to);
    }
}
