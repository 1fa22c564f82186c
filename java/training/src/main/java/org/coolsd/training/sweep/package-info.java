/**
 * The claims of docs/reproduction.md measured: cells of images, each made one way, and their comparison.
 *
 * @stability internal
 */
package org.coolsd.training.sweep;
