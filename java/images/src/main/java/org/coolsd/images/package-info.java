/**
 * From a model folder and a request to a picture.
 *
 * @stability evolving
 */
package org.coolsd.images;
