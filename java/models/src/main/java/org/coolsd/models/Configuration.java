package org.coolsd.models;

/** What every family's configuration checks. */
public final class Configuration {
    private Configuration() {}

    /**
     * Checks a number that JSON leaves 0 where it is missing.
     *
     * @param name as config.json has it
     * @throws IllegalArgumentException in one line, unless {@code value} is above 0
     */
    public static void requirePositive(String name, double value) {
        if (!(value > 0)) {
            throw new IllegalArgumentException(name + " is missing or not above 0");
        }
    }
}
