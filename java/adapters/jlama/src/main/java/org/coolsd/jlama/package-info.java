/**
 * An adapter for Jlama: its sampler in one call, and its models as targets and drafters of the decoding loop.
 *
 * @stability evolving
 */
@NullMarked
package org.coolsd.jlama;

import org.jspecify.annotations.NullMarked;
