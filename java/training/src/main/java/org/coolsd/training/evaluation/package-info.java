/** What images and models are worth: likelihood, recognition, Frechet distance, agreement in distribution. */
package org.coolsd.training.evaluation;
