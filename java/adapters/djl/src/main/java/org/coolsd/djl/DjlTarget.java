package org.coolsd.djl;

import ai.djl.Model;
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
 * A decoder with past and present key-values, in f32, as a target of {@link org.coolsd.decode.Decoder}. One pass of its session
 * takes all sequences of the batch, and with guidance both branches of each. Immutable; every method returns a changed copy.
 *
 * @param <C> what a sequence is made from
 * @param model loaded, on the CPU, such as a ZooModel; it stays the caller's, who closes it after the last decoder
 * @param shape its sizes
 * @param prompt the input ids that a sequence begins with, at least one; generated tokens are input ids themselves
 * @param unconditional those of guidance's second branch, which may be more or fewer; null without guidance
 * @param allowed what may stand at a position, counted from the first generated token
 * @param names of inputs and outputs
 * @param copies whether an engine may be used that hands out its logits as copies
 */
public record DjlTarget<C>(
        Model model,
        DecoderShape shape,
        Function<? super C, int[]> prompt,
        @Nullable Function<? super C, int[]> unconditional,
        IntFunction<Window> allowed,
        DecoderNames names,
        boolean copies)
        implements TargetModel<C> {
    /** Refuses null. */
    public DjlTarget {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(shape, "shape");
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(allowed, "allowed");
        Objects.requireNonNull(names, "names");
    }

    /** Without guidance, everything allowed, with Optimum's names, for engines that do not copy. */
    public static <C> DjlTarget<C> of(Model model, DecoderShape shape, Function<? super C, int[]> prompt) {
        return new DjlTarget<>(model, shape, prompt, null, position -> Window.ALL, DecoderNames.optimum(), false);
    }

    /** With classifier-free guidance, whose scale is the request's. */
    public DjlTarget<C> guided(Function<? super C, int[]> value) {
        return new DjlTarget<>(model, shape, prompt, value, allowed, names, copies);
    }

    /** With another rule of what may stand where. */
    public DjlTarget<C> allowed(IntFunction<Window> value) {
        return new DjlTarget<>(model, shape, prompt, unconditional, value, names, copies);
    }

    /** With other names. */
    public DjlTarget<C> names(DecoderNames value) {
        return new DjlTarget<>(model, shape, prompt, unconditional, allowed, value, copies);
    }

    /**
     * For an engine that hands out copies of its arrays, as the one of ONNX Runtime does: logits are then copied twice, by the
     * engine to the Java heap and from there into native memory.
     */
    public DjlTarget<C> copying() {
        return new DjlTarget<>(model, shape, prompt, unconditional, allowed, names, true);
    }

    @Override
    public int vocab() {
        return shape.vocab();
    }

    /** @throws IllegalArgumentException if the engine copies, and nobody said that it may */
    @Override
    public TargetSession<C> open(int slots, int longestRun) {
        return new RowTargetSession<>(
                rows -> new DjlPasses(model, shape, names, false, copies, rows), slots, prompt, unconditional, allowed);
    }
}
