/** The decoding loop: a target, a drafter and a verifier joined into a decoder that makes the tokens of images. */
package org.coolsd.images.decoding;
