package org.coolsd.models.llamagen;

import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.Guard;
import org.coolsd.Logits;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetSession;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Workers;

/** LlamaGen's keys and values of the sequences in a decoder's slots, and the passes that extend them. */
public final class LlamaGenSession implements TargetSession<Integer> {
    private final TargetForward target;
    private final Branches branches;
    private final Slot[] slots;
    private final Memory memory;
    private final long[] logits;
    private final Guard guard;
    private Runs runs;

    /** What is closed once. */
    private record Memory(TargetForward target, Workers workers, TargetPass[] passes, KvCache[][] caches)
            implements Runnable {
        @Override
        public void run() {
            workers.close();
            for (TargetPass pass : passes) {
                close(pass);
            }
            for (KvCache[] ofSlot : caches) {
                for (KvCache cache : ofSlot) {
                    close(cache);
                }
            }
            target.leave();
        }

        private static void close(TargetPass pass) {
            if (pass != null) {
                pass.close();
            }
        }

        private static void close(KvCache cache) {
            if (cache != null) {
                cache.close();
            }
        }
    }

    /** A sequence. */
    private static final class Slot {
        int label;
        /** The committed tokens, then those of the run. */
        final int[] tokens;

        int committed;
        /** Positions of the last pass, and how many of them are the run's and the one before it. */
        int passed;

        int scored;
        /** Each part's first row in the last pass. */
        final int[] row = new int[2];
        /** Whether the caches may hold NaN, which no mask hides: a pass was not followed by a commit. */
        boolean suspect;

        Slot(int longest) {
            tokens = new int[longest];
        }
    }

    LlamaGenSession(LlamaGenTarget model, int slotCount, int longestRun) {
        target = model.forward();
        branches = Branches.of(
                slotCount, model.threads(), model.guided(), target.placement().onDevice());
        slots = new Slot[slotCount];
        Arrays.setAll(slots, s -> new Slot(target.config().blockSize() + longestRun));
        logits = new long[branches.lanes()];
        target.enter();
        memory = new Memory(
                target,
                new Workers(branches.lanes()),
                new TargetPass[branches.lanes()],
                new KvCache[slotCount][branches.parts()]);
        try {
            for (int lane = 0; lane < branches.lanes(); lane++) {
                memory.passes[lane] = target.newPass(branches.rows(lane, longestRun + 1));
            }
            for (KvCache[] ofSlot : memory.caches) {
                for (int part = 0; part < ofSlot.length; part++) {
                    ofSlot[part] = target.newCache(branches.halves());
                }
            }
        } catch (RuntimeException | Error e) {
            memory.run();
            throw e;
        }
        guard = new Guard(this, "the target's session", memory);
    }

    @Override
    public int begin(int slot, Integer label) {
        guard.enter();
        try {
            int classes = target.config().numClasses();
            if (label < 0 || label >= classes) {
                throw new IllegalArgumentException("label is " + label + ", it must be 0.." + (classes - 1));
            }
            Slot s = slots[slot];
            for (KvCache cache : memory.caches[slot]) {
                if (s.suspect) {
                    cache.wipe();
                } else {
                    cache.rollBack(0);
                }
            }
            s.label = label;
            s.committed = 0;
            s.suspect = false;
            return target.config().conditions();
        } finally {
            guard.exit();
        }
    }

    @Override
    public void score(Runs wanted) {
        guard.enter();
        try {
            runs = wanted;
            for (int k = 0; k < runs.count(); k++) {
                Slot s = slots[runs.slot(k)];
                for (int i = 0; i < runs.length(k); i++) {
                    s.tokens[s.committed + i] = runs.token(k, i);
                }
                s.scored = runs.length(k) + 1;
                s.passed = s.committed + s.scored - memory.caches[runs.slot(k)][0].length();
                s.suspect = true;
            }
            memory.workers.run(this::pass);
        } finally {
            guard.exit();
        }
    }

    private void pass(int lane) {
        TargetPass pass = memory.passes[lane];
        pass.begin();
        boolean any = false;
        for (int k = 0; k < runs.count(); k++) {
            int slot = runs.slot(k);
            Slot s = slots[slot];
            for (int part = 0; part < branches.parts(); part++) {
                if (branches.lane(slot, part) == lane) {
                    s.row[part] = pass.add(memory.caches[slot][part], s.label, part == 0, s.tokens, s.passed);
                    any = true;
                }
            }
        }
        if (any) {
            try (PassScope scope = new PassScope()) {
                pass.run();
                logits[lane] = pass.logits().data_ptr().address();
            }
        }
    }

    /** LibTorch's current stream of the calling thread: the one that every pass is queued in. */
    @Override
    public long stream() {
        return target.placement().stream();
    }

    @Override
    public Logits logits(int slot) {
        guard.require();
        Logits conditional = rows(slot, 0, 0);
        if (!branches.guided()) {
            return conditional;
        }
        return conditional.guidedBy(branches.split() ? rows(slot, 1, 0) : rows(slot, 0, 1));
    }

    private Logits rows(int slot, int part, int half) {
        Slot s = slots[slot];
        int vocab = target.config().vocabSize();
        long row = s.row[part] + (half + 1L) * s.passed - s.scored;
        long first = logits[branches.lane(slot, part)] + Float.BYTES * row * vocab;
        return Logits.at(first, Logits.Type.F32, s.scored, vocab, vocab, this);
    }

    @Override
    public void commit(int slot, int[] tokens, int count, int kept) {
        guard.require();
        Slot s = slots[slot];
        int valid = s.committed + kept + 1;
        System.arraycopy(tokens, 0, s.tokens, s.committed, count);
        s.committed += count;
        for (KvCache cache : memory.caches[slot]) {
            // The last committed token is read by the next pass, whose first row is what follows it.
            cache.rollBack(Math.min(cache.length(), Math.min(valid, s.committed)));
        }
        s.suspect = false;
    }

    /** The target. */
    public TargetForward target() {
        return target;
    }

    /** How its branches are shared out. */
    public Branches branches() {
        return branches;
    }

    /** Its threads, between two calls of the session. */
    public Workers workers() {
        return memory.workers;
    }

    /** Features of a lane's last pass, until the next. */
    public Tensor features(int lane) {
        return memory.passes[lane].features();
    }

    /** The row of {@link #features} that the first token behind the committed ones was drawn from. */
    public int featureRow(int slot, int part) {
        Slot s = slots[slot];
        return s.row[part] + s.passed - s.scored;
    }

    /** Rows of a branch in the last pass. */
    public int featureStride(int slot) {
        return slots[slot].passed;
    }

    @Override
    public void close() {
        guard.close();
    }
}
