/**
 * Chameleon (Meta 2024, arXiv 2405.09818), of which Lumina-mGPT (arXiv 2408.02657) and Anole (arXiv 2407.06135) are trained:
 * a decoder whose vocabulary has text and the codes of images.
 *
 * @stability evolving
 */
package org.coolsd.models.chameleon;
