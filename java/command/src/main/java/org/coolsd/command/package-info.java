/**
 * What the command lines of the project share: how they run and fail, and the options that several have.
 *
 * @stability internal
 */
package org.coolsd.command;
