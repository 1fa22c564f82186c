/** The engine: a target, a drafter and a verifier joined into a decoder that makes images. */
package org.coolsd.engine;
