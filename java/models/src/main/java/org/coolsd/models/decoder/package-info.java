/**
 * What targets of the Llama family share when they decode: weights for passes of few rows, the passes, and the sessions of the
 * decoding loop. A family says what its tensors are called ({@link org.coolsd.models.decoder.DecoderWeights}) and what its
 * sequences begin with ({@link org.coolsd.models.decoder.Conditioning}).
 *
 * @stability evolving
 */
package org.coolsd.models.decoder;
