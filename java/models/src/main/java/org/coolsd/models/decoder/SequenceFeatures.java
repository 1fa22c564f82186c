package org.coolsd.models.decoder;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.PassScope;

/**
 * A decoder's features of whole sequences, which training learns from: computed by the passes of decoding, several short
 * sequences to a pass or a long one in several. One thread at a time.
 *
 * @param <C> what a sequence is made from
 */
public final class SequenceFeatures<C> implements AutoCloseable {
    /** Rows of a pass. */
    private static final int ROWS = 1024;

    private final DecoderTarget<C> target;
    private final DecoderPass pass;
    private final List<KvCache> caches = new ArrayList<>();

    /**
     * A branch of a sequence.
     *
     * @param conditional false for the unconditional branch of guidance
     * @param tokens of the decoding loop that are read: all of an image's but for the last, which nothing follows
     */
    public record Branch<C>(C condition, boolean conditional, int[] tokens) {}

    /**
     * What was computed of one.
     *
     * @param prefix what it begins with; its embedded rows are freed
     * @param features f32 [prefix + tokens, dim]: the feature at a position predicts the next token
     */
    public record Whole(Prefix prefix, Tensor features) {}

    /** @param target stays the caller's, who closes it after this */
    public SequenceFeatures(DecoderTarget<C> target) {
        this.target = target;
        target.forward().enter();
        try {
            pass = target.forward().newPass(ROWS);
        } catch (RuntimeException | Error e) {
            target.forward().leave();
            throw e;
        }
    }

    /** Features of {@code branches}, in their order: ordinary tensors of the caller's pointer scope, which autograd may keep. */
    public List<Whole> of(List<Branch<C>> branches) {
        try (OwnedTensors embedded = new OwnedTensors()) {
            List<Prefix> prefixes = new ArrayList<>();
            try (PassScope scope = new PassScope()) {
                for (Branch<C> branch : branches) {
                    Prefix prefix = target.conditioning().prefix(branch.condition(), branch.conditional());
                    if (prefix.embedded() != null) {
                        embedded.keep(prefix.embedded());
                    }
                    prefixes.add(prefix);
                }
            }
            List<Whole> wholes = new ArrayList<>();
            for (int i = 0; i < branches.size(); i++) {
                long rows = prefixes.get(i).length() + (long) branches.get(i).tokens().length;
                wholes.add(new Whole(
                        prefixes.get(i),
                        torch.empty(
                                new long[] {rows, target.forward().shape().dim()},
                                new TensorOptions(ScalarType.Float),
                                new MemoryFormatOptional())));
            }
            int from = 0;
            while (from < branches.size()) {
                int to = from + 1;
                long rows = wholes.get(from).features().size(0);
                while (to < branches.size() && rows + wholes.get(to).features().size(0) <= ROWS) {
                    rows += wholes.get(to++).features().size(0);
                }
                compute(branches.subList(from, to), wholes.subList(from, to));
                from = to;
            }
            return wholes;
        }
    }

    /** Of several that a pass has room for, or of one. */
    private void compute(List<Branch<C>> branches, List<Whole> wholes) {
        while (caches.size() < branches.size()) {
            caches.add(target.forward().newCache(1));
        }
        caches.forEach(cache -> cache.rollBack(0));
        long longest = wholes.get(0).features().size(0);
        do {
            try (PassScope scope = new PassScope()) {
                pass.begin();
                int[] first = new int[branches.size()];
                int[] count = new int[branches.size()];
                for (int i = 0; i < branches.size(); i++) {
                    Whole whole = wholes.get(i);
                    KvCache cache = caches.get(i);
                    count[i] = (int) Math.min(ROWS, whole.features().size(0) - cache.length());
                    int turn = target.conditioning().turn(whole.prefix().length());
                    first[i] = pass.add(
                            cache,
                            new Prefix[] {whole.prefix()},
                            turn,
                            branches.get(i).tokens(),
                            count[i]);
                }
                Tensor features = pass.extend();
                for (int i = 0; i < branches.size(); i++) {
                    int end = caches.get(i).length();
                    wholes.get(i)
                            .features()
                            .narrow(0, end - (long) count[i], count[i])
                            .copy_(features.narrow(0, first[i], count[i]));
                }
            }
        } while (caches.get(0).length() < longest);
    }

    /** Frees what passes need. */
    @Override
    public void close() {
        pass.close();
        caches.forEach(KvCache::close);
        target.forward().leave();
    }
}
