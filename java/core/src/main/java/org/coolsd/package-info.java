/**
 * Relaxed speculative decoding for autoregressive image models, as a drop-in for any engine that has logits: a {@link
 * org.coolsd.Verifier} checks a draft against the target in one call. Nothing here knows LibTorch.
 *
 * <p>Run the JVM with {@code -Dorg.bytedeco.javacpp.maxPhysicalBytes=0}: otherwise JavaCPP, which carries the calls, reads the
 * process's memory use from the operating system under a global lock whenever something native is allocated, and refuses
 * once all of the process uses four times the largest heap. A verifier allocates nothing through JavaCPP after it was opened.
 *
 * <p>One JVM can load the native library into one class loader only: where several applications share a JVM, this library
 * belongs into a loader that they share. A second loader gets a {@link org.coolsd.CoolsdException} that says so.
 *
 * @stability stable
 */
@NullMarked
package org.coolsd;

import org.jspecify.annotations.NullMarked;
