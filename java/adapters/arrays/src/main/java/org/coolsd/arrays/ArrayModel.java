package org.coolsd.arrays;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.jspecify.annotations.Nullable;

/**
 * An {@link ArrayEngine} as a target for {@link org.coolsd.decode.Decoder}: logits are copied once, into native memory. With
 * guidance every token is passed twice, behind the condition and behind the null condition.
 *
 * @param <C> what a sequence is made from
 */
public final class ArrayModel<C> implements TargetModel<C> {
    private final Engine<C, ?> engine;

    private record Engine<C, S>(ArrayEngine<C, S> computes, @Nullable C nullCondition) {
        TargetSession<C> open(int slots, int longestRun) {
            return new Session<>(computes, nullCondition, slots, longestRun + 1);
        }
    }

    private ArrayModel(Engine<C, ?> engine) {
        this.engine = engine;
    }

    /** Without guidance. */
    public static <C> ArrayModel<C> of(ArrayEngine<C, ?> engine) {
        return new ArrayModel<>(new Engine<>(engine, null));
    }

    /** With classifier-free guidance, whose scale is the request's: {@code nullCondition} is that of the second pass. */
    public static <C> ArrayModel<C> guided(ArrayEngine<C, ?> engine, C nullCondition) {
        return new ArrayModel<>(new Engine<>(engine, nullCondition));
    }

    @Override
    public int vocab() {
        return engine.computes.vocab();
    }

    @Override
    public TargetSession<C> open(int slots, int longestRun) {
        return engine.open(slots, longestRun);
    }

    private static final class Session<C, S> implements TargetSession<C> {
        private final ArrayEngine<C, S> engine;
        private final @Nullable C nullCondition;
        private final int stride;
        private final LogitsBuffer rows;
        private final List<Slot<S>> slots = new ArrayList<>();

        /** The tokens committed, of which the engine has passed the first {@code passed}. */
        private static final class Slot<S> {
            final S conditional;
            final @Nullable S unconditional;
            int[] tokens = new int[256];
            int count;
            int passed;
            int scored;

            Slot(S conditional, @Nullable S unconditional) {
                this.conditional = conditional;
                this.unconditional = unconditional;
            }
        }

        Session(ArrayEngine<C, S> engine, @Nullable C nullCondition, int count, int stride) {
            this.engine = engine;
            this.nullCondition = nullCondition;
            this.stride = stride;
            for (int slot = 0; slot < count; slot++) {
                slots.add(new Slot<>(engine.newState(), nullCondition == null ? null : engine.newState()));
            }
            rows = nullCondition == null
                    ? LogitsBuffer.of(Logits.Type.F32, count * stride, engine.vocab())
                    : LogitsBuffer.guided(Logits.Type.F32, count * stride, engine.vocab());
        }

        @Override
        public int begin(int slot, C condition) {
            Slot<S> state = slots.get(slot);
            state.count = 0;
            state.passed = 0;
            rows.put(slot * stride, engine.begin(state.conditional, condition));
            if (nullCondition != null && state.unconditional != null) {
                rows.putUnconditional(slot * stride, engine.begin(state.unconditional, nullCondition), 0);
            }
            return 1;
        }

        @Override
        public void score(Runs runs) {
            for (int k = 0; k < runs.count(); k++) {
                int slot = runs.slot(k);
                Slot<S> state = slots.get(slot);
                // The row behind the committed tokens; that of the condition is there since begin.
                for (; state.passed < state.count; state.passed++) {
                    pass(state, state.tokens[state.passed], state.passed, slot * stride);
                }
                for (int i = 0; i < runs.length(k); i++) {
                    pass(state, runs.token(k, i), state.count + i, slot * stride + i + 1);
                }
                state.scored = runs.length(k) + 1;
            }
        }

        private void pass(Slot<S> state, int token, int position, int row) {
            rows.put(row, engine.next(state.conditional, token, position));
            if (state.unconditional != null) {
                rows.putUnconditional(row, engine.next(state.unconditional, token, position), 0);
            }
        }

        @Override
        public Logits logits(int slot) {
            return rows.logits(slot * stride, slots.get(slot).scored);
        }

        @Override
        public void commit(int slot, int[] tokens, int count, int kept) {
            Slot<S> state = slots.get(slot);
            if (state.tokens.length < state.count + count) {
                state.tokens = Arrays.copyOf(state.tokens, 2 * (state.count + count));
            }
            System.arraycopy(tokens, 0, state.tokens, state.count, count);
            state.passed += kept;
            state.count += count;
        }

        @Override
        public void close() {
            rows.close();
        }
    }
}
