package org.coolsd.models.decoder;

/**
 * How the branches of guidance are shared out: a slot has one part with both branches (or the only one), or a part for each
 * branch, where two threads work at one guided image or the branches begin with prefixes of different length. Each part
 * belongs to a lane, which is one thread's passes.
 *
 * @param slots sequences at a time
 * @param lanes threads at work
 * @param guided whether there is an unconditional branch
 * @param split whether the branches of a slot are two parts
 */
public record Branches(int slots, int lanes, boolean guided, boolean split) {
    /** As many lanes of {@code threads} as there is work for; a device has no use for a second one. */
    static Branches of(int slots, int threads, boolean guided, boolean even, boolean onDevice) {
        int work = slots > 1 ? slots : guided ? 2 : 1;
        int lanes = onDevice ? 1 : Math.min(threads, work);
        return new Branches(slots, lanes, guided, guided && (!even || lanes == 2 && slots == 1));
    }

    /** Parts of a slot. */
    public int parts() {
        return split ? 2 : 1;
    }

    /** Branches of a part. */
    public int halves() {
        return guided && !split ? 2 : 1;
    }

    /** The lane of a slot's part. */
    public int lane(int slot, int part) {
        return split && slots == 1 ? part % lanes : slot % lanes;
    }

    /** Rows of a lane's largest pass, with {@code positions} of each slot. */
    public int rows(int lane, int positions) {
        int rows = 0;
        for (int slot = 0; slot < slots; slot++) {
            for (int part = 0; part < parts(); part++) {
                rows += lane(slot, part) == lane ? halves() * positions : 0;
            }
        }
        return rows;
    }
}
