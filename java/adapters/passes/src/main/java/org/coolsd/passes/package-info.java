/**
 * For engines that pass the rows of a batch, each with key-values of its own: over their {@link org.coolsd.passes.RowPasses}
 * stand a target's session and EAGLE's.
 *
 * @stability evolving
 */
@NullMarked
package org.coolsd.passes;

import org.jspecify.annotations.NullMarked;
