/**
 * Readers and writers of checkpoint files. A checkpoint never runs code.
 *
 * @stability evolving
 */
package org.coolsd.checkpoint;
