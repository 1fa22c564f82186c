/**
 * The decoding loop for any engine that has logits: an engine implements {@link org.coolsd.decode.TargetModel}, a {@link
 * org.coolsd.decode.Drafter} proposes tokens, and a {@link org.coolsd.decode.Decoder} decodes a continuous batch of requests.
 * Nothing here knows a tensor, a file or a model.
 *
 * @stability stable
 */
@NullMarked
package org.coolsd.decode;

import org.jspecify.annotations.NullMarked;
