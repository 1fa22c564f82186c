/**
 * An adapter for engines whose logits are Java arrays: a sampler of one method, and a target for the decoding loop.
 *
 * @stability evolving
 */
@NullMarked
package org.coolsd.arrays;

import org.jspecify.annotations.NullMarked;
