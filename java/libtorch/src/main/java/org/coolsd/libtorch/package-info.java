/**
 * What any model family on LibTorch uses.
 *
 * <p>Forward passes extend cached sequences by a few tokens each, for decoding. Memory is allocated once and
 * operations work in place: an operation that makes a new tensor costs about 2 us from Java, one that does not 0.5 us
 * (docs/performance.md). The rows of all sequences of a pass lie one below the other, none of them padded; every
 * operation but attention treats rows apart, and attention treats sequences apart.
 *
 * @stability evolving
 */
package org.coolsd.libtorch;
