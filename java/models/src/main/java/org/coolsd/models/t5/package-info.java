/**
 * The T5 text encoder: captions as models of images by text read them.
 *
 * @stability evolving
 */
package org.coolsd.models.t5;
