package org.coolsd.models.t5;

/** Placeholder until next step. */
final class CaptionCleaner {
    private CaptionCleaner() {}

    static String clean(String caption) {
        return caption.strip();
    }
}
