/**
 * VQ tokenizers: pictures to codebook indices and back.
 *
 * @stability evolving
 */
package org.coolsd.models.vq;
