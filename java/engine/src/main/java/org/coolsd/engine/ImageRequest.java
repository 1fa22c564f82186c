package org.coolsd.engine;

/**
 * One image to be made. The same request gives the same tokens from the same model, schedule, draft length and sampling, alone
 * or in a batch, with one thread or several, in precision F16; in others rounding may differ (docs/performance.md has how
 * often).
 *
 * @param label class, 0..numClasses-1
 * @param seed of every random number of the image
 */
public record ImageRequest(int label, long seed) {}
