/** Statistics that the tests of laws share. */
package org.coolsd.testing;
