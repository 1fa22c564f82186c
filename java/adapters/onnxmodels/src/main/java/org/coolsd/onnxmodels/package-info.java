/**
 * Writes LlamaGen and its EAGLE drafter as ONNX models with past and present key-values, for the adapters' examples.
 *
 * @stability internal
 */
@NullMarked
package org.coolsd.onnxmodels;

import org.jspecify.annotations.NullMarked;
