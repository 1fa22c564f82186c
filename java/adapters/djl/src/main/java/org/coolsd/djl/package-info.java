/**
 * An adapter for DJL: decoders with past and present key-values as targets of the decoding loop.
 *
 * @stability evolving
 */
@NullMarked
package org.coolsd.djl;

import org.jspecify.annotations.NullMarked;
