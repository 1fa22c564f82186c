package org.coolsd.images;

import java.util.Locale;

/** The rules that verify a draft, by the names that people ask for. */
public enum Verification {
    /** A prefix of the draft is accepted as a whole. */
    BLOCK,
    /** Token by token. */
    TOKEN;

    /**
     * The rule called {@code name}, in small letters or large ones.
     *
     * @throws IllegalArgumentException in one line if there is none
     */
    public static Verification of(String name) {
        for (Verification rule : values()) {
            if (rule.toString().equals(name.toLowerCase(Locale.ROOT))) {
                return rule;
            }
        }
        throw new IllegalArgumentException("verification is '" + name + "', it must be block or token");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
