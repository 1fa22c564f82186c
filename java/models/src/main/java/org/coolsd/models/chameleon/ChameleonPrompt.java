package org.coolsd.models.chameleon;

/**
 * What an image is made from.
 *
 * @param tokens the prompt, up to the token that begins the image
 * @param unconditional what stands for it in the other branch of guidance
 * @param grammar what the image may be
 */
record ChameleonPrompt(int[] tokens, int[] unconditional, ImageGrammar grammar) {}
