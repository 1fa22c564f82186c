/**
 * What the model families share. An {@link org.coolsd.models.Architecture} finds its {@link org.coolsd.models.Component}s in
 * the files of a checkpoint; a component says what it is, recomputes official outputs, and loads: targets, drafters and
 * picture decoders.
 *
 * @stability evolving
 */
package org.coolsd.models;
