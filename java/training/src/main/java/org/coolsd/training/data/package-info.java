/** Data sets. */
package org.coolsd.training.data;
