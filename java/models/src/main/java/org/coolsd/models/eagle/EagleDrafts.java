package org.coolsd.models.eagle;

import java.util.Arrays;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Guard;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Request;
import org.coolsd.decode.TokenReader;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.PassScope;
import org.coolsd.models.decoder.Branches;
import org.coolsd.models.decoder.DecoderSession;
import org.jspecify.annotations.Nullable;

/**
 * EAGLE's keys and values of the sequences in a decoder's slots. The first pass of a step reads the tokens that the step
 * before decided, with the target's features; the others read the token drafted last, with the feature predicted for it. The
 * drafter reads every token: behind a step that drafted nothing, other than the first, it drafts no more in that sequence.
 *
 * @param <C> what a sequence is made from
 */
final class EagleDrafts<C> implements DraftSession<C> {
    private final DecoderSession<C> target;
    private final Branches branches;
    private final Slot[] slots;
    private final int vocab;
    private final int most;
    private final Memory memory;
    private final Guard guard;
    private int[] proposing = {};
    private int count;
    private int beginning;

    /** What is closed once. */
    private record Memory(DrafterForward drafter, DrafterPass[] passes, KvCache[][] caches, OwnedTensors tensors)
            implements Runnable {
        @Override
        public void run() {
            for (DrafterPass pass : passes) {
                if (pass != null) {
                    pass.close();
                }
            }
            for (KvCache[] ofSlot : caches) {
                for (KvCache cache : ofSlot) {
                    if (cache != null) {
                        cache.close();
                    }
                }
            }
            tensors.close();
            drafter.leave();
        }
    }

    /** A sequence. */
    private static final class Slot {
        final TokenReader reader;
        /** Draft logits of each part, a view for each half. */
        final Tensor[] blocks = new Tensor[2];

        final Tensor[][] rows = new Tensor[2][];
        final Logits[] row;

        @Nullable
        Logits all;
        /** Each part's first row in the last pass. */
        final int[] at = new int[2];
        /** Whether the caches may hold NaN. */
        boolean suspect;

        Slot(int most) {
            reader = new TokenReader(most);
            row = new Logits[most];
        }
    }

    EagleDrafts(DrafterForward drafter, DecoderSession<C> target, int slotCount, int most) {
        drafter.requireMadeFor(target.target());
        this.target = target;
        this.most = most;
        branches = target.branches();
        vocab = target.target().vocab();
        target.keepPrefixFeatures();
        slots = new Slot[slotCount];
        Arrays.setAll(slots, s -> new Slot(most));
        drafter.enter();
        memory = new Memory(
                drafter,
                new DrafterPass[branches.lanes()],
                new KvCache[slotCount][branches.parts()],
                new OwnedTensors());
        try (PassScope scope = new PassScope()) {
            for (int lane = 0; lane < branches.lanes(); lane++) {
                int rows = branches.rows(lane, most + 1);
                memory.passes[lane] = drafter.newPass(Math.max(rows, branches.halves() * drafter.prefixRows()));
            }
            for (int slot = 0; slot < slotCount; slot++) {
                make(slot);
            }
        } catch (RuntimeException | Error e) {
            memory.run();
            throw e;
        }
        guard = new Guard(this, "the drafter's session", memory);
    }

    private void make(int slot) {
        Slot s = slots[slot];
        for (int part = 0; part < branches.parts(); part++) {
            memory.caches[slot][part] = memory.drafter.newCache(branches.halves());
            s.blocks[part] = memory.tensors.keep(
                    target.target().placement().zeros(ScalarType.Float, branches.halves(), Math.max(1, most), vocab));
            s.rows[part] = new Tensor[most];
            for (int i = 0; i < most; i++) {
                s.rows[part][i] = memory.tensors.keep(s.blocks[part].select(1, i));
            }
        }
        if (most > 0) {
            s.all = guided(s);
            Arrays.setAll(s.row, s.all::row);
        }
    }

    private Logits guided(Slot s) {
        Logits conditional = block(s, 0, 0);
        if (!branches.guided()) {
            return conditional;
        }
        return conditional.guidedBy(branches.split() ? block(s, 1, 0) : block(s, 0, 1));
    }

    private Logits block(Slot s, int part, int half) {
        long first = s.blocks[part].data_ptr().address() + (long) Float.BYTES * vocab * most * half;
        return Logits.at(first, Logits.Type.F32, most, vocab, vocab, memory);
    }

    @Override
    public void begin(int slot, Request<C> request) {
        guard.enter();
        try {
            Slot s = slots[slot];
            for (KvCache cache : memory.caches[slot]) {
                if (s.suspect) {
                    cache.wipe();
                } else {
                    cache.rollBack(0);
                }
            }
            s.suspect = false;
            s.reader.begin(target.prefixLength(slot, 0) - 1);
            if (s.reader.read() > 0) {
                s.suspect = true;
                beginning = slot;
                target.workers().run(this::prefill);
            }
        } finally {
            guard.exit();
        }
    }

    /** Reads the prefixes of the lane's parts, but for their last positions. */
    private void prefill(int lane) {
        for (int part = 0; part < branches.parts(); part++) {
            if (branches.lane(beginning, part) == lane) {
                try (PassScope scope = new PassScope()) {
                    prefill(part, memory.passes[lane]);
                }
            }
        }
    }

    private void prefill(int part, DrafterPass pass) {
        KvCache cache = memory.caches[beginning][part];
        int length = target.prefixLength(beginning, part) - 1;
        Tensor features = Objects.requireNonNull(target.prefixFeatures(beginning, part));
        int most = pass.capacity() / branches.halves();
        while (cache.length() < length) {
            int from = cache.length();
            int n = Math.min(most, length - from);
            pass.begin();
            pass.add(cache, turn(beginning, part), new int[n], 0, n, from, length);
            pass.extend(features);
        }
    }

    /** Rotary position of a branch's first position: the one behind its prefix is the first cell of the image. */
    private int turn(int slot, int part) {
        return 2 - target.prefixLength(slot, part);
    }

    @Override
    public void step(int slot, int position, Sampling sampling) {
        slots[slot].reader.step();
    }

    @Override
    public void propose(int[] wanted, int wantedCount) {
        guard.enter();
        try {
            proposing = wanted;
            count = wantedCount;
            for (int k = 0; k < count; k++) {
                Slot s = slots[wanted[k]];
                s.reader.propose();
                s.suspect = true;
            }
            target.workers().run(this::pass);
        } finally {
            guard.exit();
        }
    }

    private void pass(int lane) {
        DrafterPass pass = memory.passes[lane];
        pass.begin();
        int parts = 0;
        boolean first = false;
        for (int k = 0; k < count; k++) {
            int slot = proposing[k];
            Slot s = slots[slot];
            for (int part = 0; part < branches.parts() && s.reader.proposed(); part++) {
                if (branches.lane(slot, part) == lane) {
                    // All sequences of a pass are at the same draft position.
                    first = s.reader.drafted() == 0;
                    s.at[part] = pass.add(
                            memory.caches[slot][part],
                            turn(slot, part),
                            s.reader.tokens(),
                            0,
                            s.reader.reads(),
                            first ? target.featureRow(slot, part) : s.at[part],
                            first ? target.featureStride(slot) : 1);
                    parts++;
                }
            }
        }
        if (parts == 0) {
            return;
        }
        try (PassScope scope = new PassScope()) {
            Tensor rows = pass.run(first ? target.features(lane) : pass.predicted());
            for (int k = 0; k < count; k++) {
                int slot = proposing[k];
                Slot s = slots[slot];
                for (int part = 0; part < branches.parts() && s.reader.proposed(); part++) {
                    if (branches.lane(slot, part) == lane) {
                        s.rows[part][s.reader.drafted()].copy_(
                                parts == 1 ? rows : rows.narrow(0, s.at[part], branches.halves()));
                    }
                }
            }
        }
    }

    @Override
    public @Nullable Logits row(int slot) {
        Slot s = slots[slot];
        return s.reader.proposed() ? s.row[s.reader.drafted()] : null;
    }

    @Override
    public void drawn(int slot, int token) {
        slots[slot].reader.drawn(token);
    }

    @Override
    public Logits rows(int slot) {
        Logits all = slots[slot].all;
        if (all == null) {
            throw new IllegalStateException("there are no drafts: the draft length is 0");
        }
        return all;
    }

    /** Draft logits of position {@code i} in a part [halves, vocab], for tests. */
    Tensor draftRow(int slot, int part, int i) {
        return slots[slot].rows[part][i];
    }

    /** How the branches are shared out, for tests. */
    Branches branches() {
        return branches;
    }

    @Override
    public void decided(int slot, int[] tokens, int tokenCount, int accepted) {
        Slot s = slots[slot];
        if (s.reader.decided(tokens, tokenCount)) {
            for (KvCache cache : memory.caches[slot]) {
                cache.rollBack(Math.min(cache.length(), s.reader.read()));
            }
            s.suspect = false;
        }
    }

    @Override
    public void forced(int slot, int position, int token) {
        slots[slot].reader.forced();
    }

    @Override
    public void close() {
        guard.close();
    }
}
