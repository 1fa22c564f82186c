/** Data sets. */
package org.coolsd.engine.data;
