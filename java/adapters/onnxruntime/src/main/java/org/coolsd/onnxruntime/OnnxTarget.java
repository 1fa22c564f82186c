package org.coolsd.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.decode.Window;
import org.coolsd.passes.DecoderNames;
import org.coolsd.passes.RowTargetSession;
import org.jspecify.annotations.Nullable;

/**
 * A decoder with past and present key-values as a target of {@link org.coolsd.decode.Decoder}. One pass of its session takes
 * all sequences of the batch, and with guidance both branches of each. Immutable; every method returns a changed copy.
 *
 * @param <C> what a sequence is made from
 * @param environment of the session
 * @param session the model, on the CPU; it stays the caller's, who closes it after the last decoder
 * @param prompt the input ids that a sequence begins with, at least one; generated tokens are input ids themselves
 * @param unconditional those of guidance's second branch, which may be more or fewer; null without guidance
 * @param allowed what may stand at a position, counted from the first generated token
 * @param names of inputs and outputs
 */
public record OnnxTarget<C>(
        OrtEnvironment environment,
        OrtSession session,
        Function<? super C, int[]> prompt,
        @Nullable Function<? super C, int[]> unconditional,
        IntFunction<Window> allowed,
        DecoderNames names)
        implements TargetModel<C> {
    /** Refuses null. */
    public OnnxTarget {
        Objects.requireNonNull(environment, "environment");
        Objects.requireNonNull(session, "session");
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(allowed, "allowed");
        Objects.requireNonNull(names, "names");
    }

    /** Without guidance, everything allowed, with Optimum's names. */
    public static <C> OnnxTarget<C> of(
            OrtEnvironment environment, OrtSession session, Function<? super C, int[]> prompt) {
        return new OnnxTarget<>(environment, session, prompt, null, position -> Window.ALL, DecoderNames.optimum());
    }

    /** With classifier-free guidance, whose scale is the request's. */
    public OnnxTarget<C> guided(Function<? super C, int[]> value) {
        return new OnnxTarget<>(environment, session, prompt, value, allowed, names);
    }

    /** With another rule of what may stand where. */
    public OnnxTarget<C> allowed(IntFunction<Window> value) {
        return new OnnxTarget<>(environment, session, prompt, unconditional, value, names);
    }

    /** With other names. */
    public OnnxTarget<C> names(DecoderNames value) {
        return new OnnxTarget<>(environment, session, prompt, unconditional, allowed, value);
    }

    /** @throws IllegalArgumentException if the model has not the inputs and outputs of {@link DecoderNames} */
    @Override
    public int vocab() {
        return OnnxLayout.of(session, names).vocab();
    }

    /** @throws IllegalArgumentException likewise */
    @Override
    public TargetSession<C> open(int slots, int longestRun) {
        OnnxLayout layout = OnnxLayout.of(session, names);
        if (layout.readsHidden()) {
            throw new IllegalArgumentException(
                    "the model reads " + names.hiddenStates() + ": it is a drafter, a target is needed");
        }
        return new RowTargetSession<>(
                rows -> new OnnxPasses(environment, session, names, layout, rows),
                slots,
                prompt,
                unconditional,
                allowed);
    }
}
