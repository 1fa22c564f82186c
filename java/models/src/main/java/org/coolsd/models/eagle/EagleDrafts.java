package org.coolsd.models.eagle;

import java.util.Arrays;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
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
 * EAGLE's keys and values of the sequences in a decoder's slots. The first pass of a step reads the tokens that the steps
 * before decided, with the target's features, which are kept until then; the others read the token drafted last, with the
 * feature predicted for it. A forced token is read so as well, and once more when the target has been there.
 *
 * @param <C> what a sequence is made from
 */
final class EagleDrafts<C> implements DraftSession<C> {
    private final DecoderSession<C> target;
    private final Branches branches;
    private final Slot[] slots;
    private final int vocab;
    private final int most;
    private final KeptFeatures kept;
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

        Slot(int most, int room) {
            reader = TokenReader.keeping(room);
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
        int room = 2 * (most + 1 + target.longestForced());
        slots = new Slot[slotCount];
        Arrays.setAll(slots, s -> new Slot(most, room));
        drafter.enter();
        memory = new Memory(
                drafter,
                new DrafterPass[branches.lanes()],
                new KvCache[slotCount][branches.parts()],
                new OwnedTensors());
        try (PassScope scope = new PassScope()) {
            for (int lane = 0; lane < branches.lanes(); lane++) {
                int rows = branches.rows(lane, room);
                memory.passes[lane] = drafter.newPass(Math.max(rows, branches.halves() * drafter.prefixRows()));
            }
            for (int slot = 0; slot < slotCount; slot++) {
                make(slot);
            }
            kept = new KeptFeatures(target, slotCount, room, drafter.dim(), memory.tensors);
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
            s.reader.begin(0);
            beginning = slot;
            s.suspect = true;
            target.workers().run(this::prefill);
            s.suspect = false;
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
        int length = target.prefixes(beginning, part)[0].length() - 1;
        if (length == 0) {
            return;
        }
        Tensor features = Objects.requireNonNull(target.prefixFeatures(beginning, part));
        int most = pass.capacity() / branches.halves();
        while (cache.length() < length) {
            int from = cache.length();
            int n = Math.min(most, length - from);
            pass.begin();
            pass.addPrefix(cache, turn(beginning, part), target.prefixes(beginning, part), n, from, length);
            pass.extend(features);
        }
    }

    /** Rotary position of a branch's first position. */
    private int turn(int slot, int part) {
        return memory.drafter.input().turn(target.prefixes(slot, part)[0].length());
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

    /** Those with forced tokens to read go ahead, a pass for each, so that the last pass predicts for all. */
    private void pass(int lane) {
        int ahead = 0;
        for (int k = 0; k < count; k++) {
            TokenReader reader = slots[proposing[k]].reader;
            if (reader.proposed() && reader.drafted() == 0 && inLane(proposing[k], lane)) {
                ahead = Math.max(ahead, reader.forced());
            }
        }
        for (int left = ahead; left >= 0; left--) {
            try (PassScope scope = new PassScope()) {
                pass(lane, left);
            }
        }
    }

    private boolean inLane(int slot, int lane) {
        boolean in = false;
        for (int part = 0; part < branches.parts(); part++) {
            in |= branches.lane(slot, part) == lane;
        }
        return in;
    }

    /** One pass of the lane's sequences that have {@code left} forced tokens or more to read behind it, or none at the last. */
    private void pass(int lane, int left) {
        DrafterPass pass = memory.passes[lane];
        Tensor unread = kept.rows(lane);
        boolean fresh = false;
        boolean predicted = false;
        for (int k = 0; k < count; k++) {
            TokenReader reader = slots[proposing[k]].reader;
            if (takesPart(reader, left) && inLane(proposing[k], lane)) {
                boolean first = reader.drafted() == 0 && reader.forced() == left;
                fresh |= first;
                predicted |= !first;
            }
        }
        if (!fresh && !predicted) {
            return;
        }
        Tensor features = fresh ? unread : pass.predicted();
        int behindUnread = 0;
        if (fresh && predicted) {
            features = torch.cat(new TensorVector(unread, pass.predicted()), 0);
            behindUnread = (int) unread.size(0);
        }
        pass.begin();
        int parts = 0;
        for (int k = 0; k < count; k++) {
            int slot = proposing[k];
            for (int part = 0; part < branches.parts() && takesPart(slots[slot].reader, left); part++) {
                if (branches.lane(slot, part) == lane) {
                    add(pass, slot, part, left, behindUnread);
                    parts++;
                }
            }
        }
        if (left > 0) {
            pass.predict(features);
            return;
        }
        Tensor rows = pass.run(features);
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

    private static boolean takesPart(TokenReader reader, int left) {
        return reader.proposed() && (left == 0 || reader.drafted() == 0 && reader.forced() >= left);
    }

    private void add(DrafterPass pass, int slot, int part, int left, int behindUnread) {
        Slot s = slots[slot];
        TokenReader reader = s.reader;
        KvCache cache = memory.caches[slot][part];
        int turn = turn(slot, part);
        int forcedRead = reader.drafted() == 0 ? reader.forced() - left : 0;
        if (reader.drafted() > 0) {
            s.at[part] = pass.add(cache, turn, reader.tokens(), 0, 1, behindUnread + s.at[part], 1);
        } else if (forcedRead == 0) {
            s.at[part] = pass.add(cache, turn, reader.tokens(), 0, reader.reads(), kept.first(slot, part), kept.room());
        } else {
            int at = reader.reads() + forcedRead - 1;
            s.at[part] = pass.add(cache, turn, reader.tokens(), at, 1, behindUnread + s.at[part], 1);
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
        if (most == 0) {
            return;
        }
        Slot s = slots[slot];
        makeRoom(slot, tokenCount);
        int forced = s.reader.forced();
        s.reader.decided(tokens, tokenCount);
        for (int part = 0; part < branches.parts(); part++) {
            KvCache cache = memory.caches[slot][part];
            int length = target.prefixes(slot, part)[0].length() - 1 + s.reader.read();
            cache.rollBack(Math.min(cache.length(), length));
        }
        s.suspect = false;
        kept.keep(slot, s.reader.reads() - forced - tokenCount, forced, tokenCount);
    }

    @Override
    public void forced(int slot, int position, int token) {
        if (most > 0) {
            makeRoom(slot, 1);
            slots[slot].reader.forced(token);
        }
    }

    /** Reads the unread tokens now, if so many more could not be kept: there have been many steps without drafts. */
    private void makeRoom(int slot, int more) {
        Slot s = slots[slot];
        if (!s.reader.hasRoom(more)) {
            beginning = slot;
            s.suspect = true;
            target.workers().run(this::readAhead);
            s.reader.readAhead();
            s.suspect = false;
        }
    }

    private void readAhead(int lane) {
        TokenReader reader = slots[beginning].reader;
        DrafterPass pass = memory.passes[lane];
        for (int part = 0; part < branches.parts(); part++) {
            if (branches.lane(beginning, part) == lane) {
                try (PassScope scope = new PassScope()) {
                    pass.begin();
                    pass.add(
                            memory.caches[beginning][part],
                            turn(beginning, part),
                            reader.tokens(),
                            0,
                            reader.reads(),
                            kept.first(beginning, part),
                            kept.room());
                    pass.extend(kept.rows(lane));
                }
            }
        }
    }

    @Override
    public void close() {
        guard.close();
    }
}
