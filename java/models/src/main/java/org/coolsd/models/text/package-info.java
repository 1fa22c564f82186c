/**
 * Texts as tokens, for every family that reads them; not for users.
 *
 * @stability internal
 */
package org.coolsd.models.text;
