package org.coolsd.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.eagle.EagleModel;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.coolsd.models.llamagen.LlamaGenTarget;
import org.coolsd.models.llamagen.TargetForward;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The shipped models in ONNX Runtime against the LibTorch engine, both in f32. */
class OnnxLibTorchTest {
    private static final Path FOLDER = Path.of("../../../models/fashion");
    private static final LlamaGenShape SHAPE = LlamaGenShape.fashion();
    private static final int IMAGES = 5;

    private static TinyEngine onnx;
    private static Weights weights;
    private static LlamaGenConfig config;
    private static TargetForward target;
    private static DrafterForward drafter;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
        onnx = new TinyEngine(
                SHAPE,
                ModelWeights.read(FOLDER.resolve("target.safetensors")),
                ModelWeights.read(FOLDER.resolve("drafter.safetensors")));
        ObjectMapper json = new ObjectMapper();
        JsonNode all = json.readTree(FOLDER.resolve("config.json").toFile());
        config = json.treeToValue(all.get("target"), LlamaGenConfig.class);
        weights = new Weights(TensorFiles.read(FOLDER.resolve("target.safetensors"), ScalarType.Float));
        target = new TargetForward(config, weights, Precision.F32, Placement.cpu());
        drafter = new DrafterForward(
                json.treeToValue(all.get("drafter"), EagleConfig.class),
                new Weights(TensorFiles.read(FOLDER.resolve("drafter.safetensors"), ScalarType.Float)),
                Precision.F32,
                target);
    }

    @AfterAll
    static void close() throws Exception {
        onnx.close();
        drafter.close();
        target.close();
        weights.close();
    }

    private static List<int[]> decode(TargetModel<Integer> model, Drafter<Integer> drafts) {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int i = 0; i < IMAGES; i++) {
            requests.add(Request.of(2 * i, 70 + i, Sampling.of().guidance(2), SHAPE.tokens()));
        }
        try (Decoder<Integer> decoder =
                new Decoder<>(model, drafts, DecoderOptions.of(4).slots(2))) {
            return decoder.decode(requests).stream().map(Result::tokens).toList();
        }
    }

    @Test
    void logitsOfWholeImagesDifferByRounding() {
        LlamaGen model = LlamaGen.forInference(config, weights, Precision.F32);
        try (PassScope scope = new PassScope()) {
            for (int image = 0; image < IMAGES; image++) {
                int[] ids = new int[SHAPE.tokens()];
                long[] tokens = new long[ids.length - 1];
                ids[0] = SHAPE.classId(image);
                for (int i = 0; i < tokens.length; i++) {
                    tokens[i] = (31 * i + 7 * image) % SHAPE.vocab();
                    ids[i + 1] = (int) tokens[i];
                }
                float[][] rows = onnx.logits(ids);
                float[] flat = new float[rows.length * SHAPE.vocab()];
                for (int i = 0; i < rows.length; i++) {
                    System.arraycopy(rows[i], 0, flat, i * SHAPE.vocab(), SHAPE.vocab());
                }
                Tensor expected = model.logits(
                        model.features(Tensors.of(new long[] {image}, 1), Tensors.of(tokens, 1, tokens.length)));
                Tensor actual = Tensors.of(flat, 1, rows.length, SHAPE.vocab());
                assertThat(actual.sub(expected).abs().max().item_double()).isLessThanOrEqualTo(1e-4);
            }
        }
    }

    @Test
    void imagesAreThoseOfLibTorch() {
        TargetModel<Integer> libTorch = new LlamaGenTarget(target, true, 1);
        OnnxTarget<Integer> model = Example.target(onnx.environment, onnx.target);
        assertThat(decode(model, Drafter.none())).containsExactlyElementsOf(decode(libTorch, Drafter.none()));
        assertThat(decode(model, Drafter.jacobi())).containsExactlyElementsOf(decode(libTorch, Drafter.jacobi()));
        assertThat(decode(model, onnx.eagle())).containsExactlyElementsOf(decode(libTorch, new EagleModel(drafter)));
    }
}
