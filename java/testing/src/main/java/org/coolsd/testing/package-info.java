/** What tests of laws and of commands share. */
package org.coolsd.testing;
