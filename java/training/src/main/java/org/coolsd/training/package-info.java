/**
 * Training: one resumable loop the tasks it runs, and what a drafter for a published model needs.
 *
 * @stability internal
 */
package org.coolsd.training;
