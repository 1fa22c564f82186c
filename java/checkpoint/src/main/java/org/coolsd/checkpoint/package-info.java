/** Readers and writers of checkpoint files. A checkpoint never runs code. */
package org.coolsd.checkpoint;
