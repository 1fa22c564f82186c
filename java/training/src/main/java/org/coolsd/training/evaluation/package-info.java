/**
 * What images and models are worth: likelihood, recognition, Frechet distance, agreement in distribution.
 *
 * @stability internal
 */
package org.coolsd.training.evaluation;
