/**
 * The EAGLE drafter: over whole sequences for training and teacher forcing, and in passes for decoding.
 *
 * @stability evolving
 */
package org.coolsd.models.eagle;
