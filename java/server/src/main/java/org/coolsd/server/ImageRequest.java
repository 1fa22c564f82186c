package org.coolsd.server;

import org.coolsd.Sampling;
import org.coolsd.images.Decoding;

/**
 * What a request asks for, its values in range.
 *
 * @param prompt a class by name or index, or words
 * @param width pixels; 0 for the model's own size
 * @param height likewise
 * @param count images, image i has seed + i
 * @param stream whether the answer is a stream of events
 * @param partials how many pictures of each image are sent before it is complete
 * @param steps whether each step of the decoder is told
 */
record ImageRequest(
        String prompt,
        int width,
        int height,
        int count,
        long seed,
        Decoding decoding,
        Sampling sampling,
        boolean stream,
        int partials,
        boolean steps) {}
