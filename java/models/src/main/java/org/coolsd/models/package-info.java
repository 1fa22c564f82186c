/** What the model families share. */
package org.coolsd.models;
