/** Training: one resumable loop and the four tasks it runs. */
package org.coolsd.training;
