/** The EAGLE drafter: over whole sequences for training and teacher forcing, and in passes for decoding. */
package org.coolsd.models.eagle;
