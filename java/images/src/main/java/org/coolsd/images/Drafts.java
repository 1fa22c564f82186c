package org.coolsd.images;

import java.nio.file.Path;

/** Where the drafts of an image come from. */
public sealed interface Drafts {
    /** A drafter that reads the target's features, of the folder {@code folder}; the model's own if that is null. */
    record Eagle(Path folder) implements Drafts {}

    /** The target's own last pass. */
    record Jacobi() implements Drafts {}

    /** The target's own last pass, drawn anew only as far as its laws have changed. */
    record Coupled() implements Drafts {}

    /** No drafts. */
    record None() implements Drafts {}

    /** What {@link #of} makes these of; the folder's name where it is one. */
    default String name() {
        if (this instanceof Eagle eagle) {
            return eagle.folder() == null ? "eagle" : "eagle of " + eagle.folder();
        }
        return this instanceof Jacobi ? "jacobi" : this instanceof Coupled ? "coupled" : "none";
    }

    /** What {@code name} says: eagle, jacobi, coupled, none, or else the folder of a drafter. */
    static Drafts of(String name) {
        return switch (name) {
            case "eagle" -> new Eagle(null);
            case "jacobi" -> new Jacobi();
            case "coupled" -> new Coupled();
            case "none" -> new None();
            default -> new Eagle(Path.of(name));
        };
    }
}
