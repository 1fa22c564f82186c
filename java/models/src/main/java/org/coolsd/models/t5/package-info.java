/** The T5 text encoder: captions as models of images by text read them. */
package org.coolsd.models.t5;
