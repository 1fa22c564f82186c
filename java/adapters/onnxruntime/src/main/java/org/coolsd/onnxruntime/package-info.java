/**
 * An adapter for ONNX Runtime: decoders with past and present key-values as targets of the decoding loop, and EAGLE.
 *
 * @stability evolving
 */
@NullMarked
package org.coolsd.onnxruntime;

import org.jspecify.annotations.NullMarked;
