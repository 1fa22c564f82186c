/** From a model folder and a request to a picture. */
package org.coolsd.images;
