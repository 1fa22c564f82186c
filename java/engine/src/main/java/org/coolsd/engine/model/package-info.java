/** The models: LlamaGen, its VQ tokenizer, and the EAGLE drafter, over LibTorch tensors. */
package org.coolsd.engine.model;
