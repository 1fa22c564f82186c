package org.coolsd.models.eagle;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.PassScope;
import org.coolsd.models.decoder.Branches;
import org.coolsd.models.decoder.DecoderSession;

/**
 * The features that the target computed before tokens that the drafter has yet to read: its passes overwrite them. Each lane has
 * a tensor of its own, with {@link #room} rows for every branch of its sequences.
 */
final class KeptFeatures {
    private final DecoderSession<?> target;
    private final Branches branches;
    private final int room;
    private final Tensor[] lanes;
    private final int[][] first;

    /** Memory that {@code owner} keeps; made inside of a {@link PassScope}. */
    KeptFeatures(DecoderSession<?> target, int slots, int room, int dim, OwnedTensors owner) {
        this.target = target;
        this.room = room;
        branches = target.branches();
        lanes = new Tensor[branches.lanes()];
        first = new int[slots][branches.parts()];
        int[] rows = new int[lanes.length];
        for (int slot = 0; slot < slots; slot++) {
            for (int part = 0; part < branches.parts(); part++) {
                int lane = branches.lane(slot, part);
                first[slot][part] = rows[lane];
                rows[lane] += branches.halves() * room;
            }
        }
        for (int lane = 0; lane < lanes.length; lane++) {
            lanes[lane] = owner.keep(target.target().placement().zeros(ScalarType.Float, Math.max(1, rows[lane]), dim));
        }
    }

    /** Unread tokens of a branch that there is room for: the rows from one branch of a part to the next. */
    int room() {
        return room;
    }

    /** A lane's rows, f32 [any, dim]. */
    Tensor rows(int lane) {
        return lanes[lane];
    }

    /** The row of {@link #rows} that belongs to the first unread token of a part's conditional branch. */
    int first(int slot, int part) {
        return first[slot][part];
    }

    /**
     * Keeps what the target's last pass has for the last {@code forced + decided} tokens.
     *
     * @param at which of the unread tokens is the first of these
     * @param forced of them, which come before those that the step yields
     */
    void keep(int slot, int at, int forced, int decided) {
        try (PassScope scope = new PassScope()) {
            for (int part = 0; part < branches.parts(); part++) {
                int lane = branches.lane(slot, part);
                for (int half = 0; half < branches.halves(); half++) {
                    long from = target.featureRow(slot, part) - forced + (long) half * target.featureStride(slot);
                    lanes[lane]
                            .narrow(0, first[slot][part] + (long) half * room + at, forced + decided)
                            .copy_(target.features(lane).narrow(0, from, forced + decided));
                }
            }
        }
    }
}
