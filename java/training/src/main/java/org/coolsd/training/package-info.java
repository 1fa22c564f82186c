/** Training: one resumable loop the tasks it runs, and what a drafter for a published model needs. */
package org.coolsd.training;
