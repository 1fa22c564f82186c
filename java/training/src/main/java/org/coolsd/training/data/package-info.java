/**
 * Data sets.
 *
 * @stability internal
 */
package org.coolsd.training.data;
