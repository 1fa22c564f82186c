/** The models over whole sequences and images: LlamaGen, its VQ tokenizer, the EAGLE drafter, the classifier. */
package org.coolsd.engine.model;
