/** VQ tokenizers: pictures to codebook indices and back. */
package org.coolsd.models.vq;
