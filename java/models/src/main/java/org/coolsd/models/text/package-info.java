/** Texts as tokens, for every family that reads them; not for users. */
package org.coolsd.models.text;
