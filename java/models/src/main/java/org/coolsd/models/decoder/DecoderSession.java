package org.coolsd.models.decoder;

import java.util.Arrays;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Guard;
import org.coolsd.Logits;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetSession;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Workers;
import org.jspecify.annotations.Nullable;

/**
 * A decoder's keys and values of the sequences in a decoding loop's slots, and the passes that extend them. {@link #begin}
 * reads a prefix up to its last position, some rows at a time; the first {@link #score} reads that and the run.
 *
 * @param <C> what a sequence is made from
 */
public final class DecoderSession<C> implements TargetSession<C> {
    /** Rows of each branch that a prefix is read with at a time. */
    private static final int PREFILL = 64;

    private final DecoderForward target;
    private final Conditioning<C> conditioning;
    private final Branches branches;
    private final Slot<C>[] slots;
    private final Memory memory;
    private final long[] logits;
    private final Guard guard;
    private boolean keepsPrefixFeatures;

    @Nullable
    private Runs runs;

    private int beginning;

    /** What is closed once. */
    private record Memory(
            DecoderForward target, Workers workers, DecoderPass[] passes, KvCache[][] caches, OwnedTensors[] prefixes)
            implements Runnable {
        @Override
        public void run() {
            workers.close();
            for (DecoderPass pass : passes) {
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
            for (OwnedTensors ofSlot : prefixes) {
                ofSlot.close();
            }
            target.leave();
        }
    }

    /** A sequence. */
    private static final class Slot<C> {
        @Nullable
        C condition;
        /** Of each part, what its halves begin with. */
        final Prefix[][] prefixes;

        final int[] turn;
        /** Of each part, features of the prefix but for its last position, the halves' one below the other. */
        final Tensor[] prefixFeatures = new Tensor[2];
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

        Slot(Branches branches, int longest) {
            tokens = new int[longest];
            prefixes = new Prefix[branches.parts()][branches.halves()];
            turn = new int[branches.parts()];
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    DecoderSession(DecoderTarget<C> model, int slotCount, int longestRun) {
        target = model.forward();
        conditioning = model.conditioning();
        branches = Branches.of(
                slotCount,
                model.threads(),
                model.guided(),
                conditioning.evenBranches(),
                target.placement().onDevice());
        slots = new Slot[slotCount];
        Arrays.setAll(slots, s -> new Slot<C>(branches, conditioning.longestSequence() + longestRun));
        logits = new long[branches.lanes()];
        target.enter();
        memory = new Memory(
                target,
                new Workers(branches.lanes()),
                new DecoderPass[branches.lanes()],
                new KvCache[slotCount][branches.parts()],
                new OwnedTensors[slotCount]);
        Arrays.setAll(memory.prefixes, s -> new OwnedTensors());
        try {
            int prefill = branches.halves() * Math.min(PREFILL, conditioning.longestPrefix() - 1);
            for (int lane = 0; lane < branches.lanes(); lane++) {
                int rows = branches.rows(lane, longestRun + 1 + conditioning.longestForced());
                memory.passes[lane] = target.newPass(Math.max(rows, prefill));
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
    public int begin(int slot, C condition) {
        guard.enter();
        try {
            Slot<C> s = slots[slot];
            for (KvCache cache : memory.caches[slot]) {
                if (s.suspect) {
                    cache.wipe();
                } else {
                    cache.rollBack(0);
                }
            }
            s.condition = condition;
            s.committed = 0;
            s.suspect = false;
            readPrefixes(slot, condition);
            beginning = slot;
            s.suspect = s.prefixes[0][0].length() > 1;
            memory.workers.run(this::prefill);
            return s.prefixes[0][0].length();
        } finally {
            guard.exit();
        }
    }

    private void readPrefixes(int slot, C condition) {
        Slot<C> s = slots[slot];
        memory.prefixes[slot].close();
        Arrays.fill(s.prefixFeatures, null);
        try (PassScope scope = new PassScope()) {
            for (int part = 0; part < branches.parts(); part++) {
                for (int half = 0; half < branches.halves(); half++) {
                    Prefix prefix = conditioning.prefix(condition, part + half == 0);
                    if (prefix.embedded() != null) {
                        memory.prefixes[slot].keep(prefix.embedded());
                    }
                    if (prefix.length() > conditioning.longestPrefix()) {
                        throw new IllegalArgumentException("the prefix has " + prefix.length()
                                + " positions, the model has room for " + conditioning.longestPrefix());
                    }
                    s.prefixes[part][half] = prefix;
                }
                int length = s.prefixes[part][0].length();
                s.turn[part] = conditioning.turn(length);
                if (keepsPrefixFeatures && length > 1) {
                    s.prefixFeatures[part] = memory.prefixes[slot].keep(target.placement()
                            .zeros(
                                    ScalarType.Float,
                                    branches.halves() * (length - 1L),
                                    target.shape().dim()));
                }
            }
        }
    }

    /** Reads the prefixes of the lane's parts, but for their last positions. */
    private void prefill(int lane) {
        Slot<C> s = slots[beginning];
        for (int part = 0; part < branches.parts(); part++) {
            int length = s.prefixes[part][0].length() - 1;
            if (length > 0 && branches.lane(beginning, part) == lane) {
                try (PassScope scope = new PassScope()) {
                    prefill(s, part, length, memory.passes[lane]);
                }
            }
        }
    }

    private void prefill(Slot<C> s, int part, int length, DecoderPass pass) {
        KvCache cache = memory.caches[beginning][part];
        int halves = branches.halves();
        int most = pass.capacity() / halves;
        Tensor kept = s.prefixFeatures[part];
        while (cache.length() < length) {
            int from = cache.length();
            int n = Math.min(most, length - from);
            pass.begin();
            int first = pass.add(cache, s.prefixes[part], s.turn[part], s.tokens, n);
            Tensor features = pass.extend();
            for (int half = 0; half < halves && kept != null; half++) {
                kept.narrow(0, (long) half * length + from, n).copy_(features.narrow(0, first + (long) half * n, n));
            }
        }
    }

    @Override
    public void score(Runs wanted) {
        guard.enter();
        try {
            runs = wanted;
            for (int k = 0; k < wanted.count(); k++) {
                Slot<C> s = slots[wanted.slot(k)];
                for (int i = 0; i < wanted.length(k); i++) {
                    s.tokens[s.committed + i] = wanted.token(k, i);
                }
                s.scored = wanted.length(k) + 1;
                s.passed = s.prefixes[0][0].length()
                        - 1
                        + s.committed
                        + s.scored
                        - memory.caches[wanted.slot(k)][0].length();
                s.suspect = true;
            }
            memory.workers.run(this::pass);
        } finally {
            guard.exit();
        }
    }

    private void pass(int lane) {
        DecoderPass pass = memory.passes[lane];
        pass.begin();
        boolean any = false;
        Runs wanted = Objects.requireNonNull(runs);
        try (PassScope scope = new PassScope()) {
            for (int k = 0; k < wanted.count(); k++) {
                int slot = wanted.slot(k);
                Slot<C> s = slots[slot];
                for (int part = 0; part < branches.parts(); part++) {
                    if (branches.lane(slot, part) == lane) {
                        KvCache cache = memory.caches[slot][part];
                        s.row[part] = pass.add(cache, s.prefixes[part], s.turn[part], s.tokens, s.passed);
                        any = true;
                    }
                }
            }
            if (any) {
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
        Slot<C> s = slots[slot];
        int vocab = target.vocab();
        long row = s.row[part] + (half + 1L) * s.passed - s.scored;
        long first = logits[branches.lane(slot, part)] + Float.BYTES * row * vocab;
        return Logits.at(first, Logits.Type.F32, s.scored, vocab, vocab, this);
    }

    @Override
    public void commit(int slot, int[] tokens, int count, int kept) {
        guard.require();
        Slot<C> s = slots[slot];
        int valid = s.committed + kept;
        System.arraycopy(tokens, 0, s.tokens, s.committed, count);
        s.committed += count;
        for (int part = 0; part < branches.parts(); part++) {
            // The last committed token is read by the next pass, whose first row is what follows it.
            KvCache cache = memory.caches[slot][part];
            int length = s.prefixes[part][0].length() + Math.min(valid, s.committed - 1);
            cache.rollBack(Math.min(cache.length(), length));
        }
        s.suspect = false;
    }

    /** The target. */
    public DecoderForward target() {
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
        Slot<C> s = slots[slot];
        return s.row[part] + s.passed - s.scored;
    }

    /** Rows of a branch in the last pass. */
    public int featureStride(int slot) {
        return slots[slot].passed;
    }

    /** Has {@link #begin} keep the features of prefixes: a drafter reads them. */
    public void keepPrefixFeatures() {
        keepsPrefixFeatures = true;
    }

    /** What the branches of a part begin with, all of one length; until the slot's next {@link #begin}. */
    public Prefix[] prefixes(int slot, int part) {
        return slots[slot].prefixes[part];
    }

    /** The most forced tokens in a row. */
    public int longestForced() {
        return conditioning.longestForced();
    }

    /**
     * Features of a prefix but for its last position, f32 [halves (length - 1), dim], the conditional half's first; null if it
     * has one position only. Until the slot's next {@link #begin}; see {@link #keepPrefixFeatures}.
     */
    @SuppressWarnings("exports") // The annotation is for compilers: who uses this module needs not have it.
    public @Nullable Tensor prefixFeatures(int slot, int part) {
        return slots[slot].prefixFeatures[part];
    }

    @Override
    public Window allowed(int slot, int position) {
        Slot<C> s = slots[slot];
        return conditioning.allowed(Objects.requireNonNull(s.condition), s.tokens, s.committed, position);
    }

    @Override
    public void close() {
        guard.close();
    }
}
