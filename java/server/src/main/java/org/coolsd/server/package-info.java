/**
 * Images over HTTP, in the format of OpenAI's images API, from one continuous batch.
 *
 * @stability evolving
 */
@NullMarked
package org.coolsd.server;

import org.jspecify.annotations.NullMarked;
