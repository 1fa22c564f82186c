/**
 * Relaxed speculative decoding for autoregressive image models, as a drop-in for any engine that has logits: a {@link
 * org.coolsd.Verifier} checks a draft against the target in one call. Nothing here knows LibTorch.
 */
package org.coolsd;
