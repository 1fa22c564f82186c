package org.coolsd.models;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What LlamaGen's official code makes of logits: guided ones, and probabilities behind temperature, top-k and top-p. For whole
 * tensors, to compare with; the decoding loop's own law is that of {@link org.coolsd.Sampling}.
 */
public final class OfficialLaw {
    private static final Pattern GUIDED = Pattern.compile("cfg_logits_([\\d.]+)");
    private static final Pattern LAW = Pattern.compile("probs_t([\\d.]+)_k(\\d+)_p([\\d.]+)");

    /** The scale that probabilities are guided with. */
    private static final double SCALE = 4;

    private OfficialLaw() {}

    /**
     * The entries {@code cfg_logits_S} and {@code probs_tT_kK_pP} of {@code expected}, of a model's own logits.
     *
     * @param logits f32 [2 n, positions, vocab]: n conditional sequences, then the same without condition
     * @return f32 [n, positions, vocab] each
     */
    public static Map<String, Tensor> outputs(Tensor logits, Map<String, Tensor> expected) {
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        for (String name : expected.keySet()) {
            Matcher guided = GUIDED.matcher(name);
            Matcher law = LAW.matcher(name);
            if (guided.matches()) {
                outputs.put(name, guided(logits, Double.parseDouble(guided.group(1))));
            } else if (law.matches()) {
                outputs.put(
                        name,
                        law(
                                guided(logits, SCALE).div(new Scalar(Double.parseDouble(law.group(1)))),
                                Integer.parseInt(law.group(2)),
                                Double.parseDouble(law.group(3))));
            }
        }
        return outputs;
    }

    private static Tensor guided(Tensor logits, double scale) {
        long n = logits.size(0) / 2;
        Tensor without = logits.narrow(0, n, n);
        return logits.narrow(0, 0, n).sub(without).mul(new Scalar(scale)).add(without);
    }

    /** The largest {@code k} (0: all), of these the most probable up to and with the one that reaches {@code p}. */
    private static Tensor law(Tensor logits, int k, double p) {
        Scalar never = new Scalar(Double.NEGATIVE_INFINITY);
        long vocab = logits.size(-1);
        Tensor kept = logits;
        if (k > 0) {
            Tensor largest = torch.topk(kept, Math.min(k, vocab)).get0();
            kept = kept.masked_fill(kept.lt(largest.narrow(-1, Math.min(k, vocab) - 1, 1)), never);
        }
        if (p < 1) {
            Tensor order = kept.argsort(-1, true);
            Tensor sorted = kept.gather(-1, order).softmax(-1);
            Tensor before = sorted.cumsum(-1).sub(sorted);
            Tensor place = order.argsort(-1, false);
            kept = kept.masked_fill(before.gt(new Scalar(p)).gather(-1, place), never);
        }
        return kept.softmax(-1);
    }
}
