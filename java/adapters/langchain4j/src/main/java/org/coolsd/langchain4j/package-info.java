/**
 * langchain4j's image model over coolsd's image pipeline.
 *
 * @stability evolving
 */
@NullMarked
package org.coolsd.langchain4j;

import org.jspecify.annotations.NullMarked;
