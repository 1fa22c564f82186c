package org.coolsd.models.llamagen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.coolsd.models.tiny.Fixture.assertClose;

import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.models.decoder.DecoderPass;
import org.coolsd.models.decoder.Prefix;
import org.coolsd.models.tiny.Fixture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sequences made from captions equal the official code, which pads captions and masks the padding. */
class CaptionForwardTest {
    private static Fixture fixture;
    private static TargetForward target;

    @TempDir
    private Path folder;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
        fixture = Fixture.open("gpt-t2i");
        target = new TargetForward(
                fixture.config(LlamaGenConfig.class), fixture.weights("model.pt"), Precision.F32, Placement.cpu());
    }

    private static Caption caption(int b) {
        return CaptionFile.of(
                fixture.expected().get("caption_embeddings").select(0, b),
                fixture.expected().get("caption_mask").select(0, b));
    }

    /** However the positions are cut, within the prefix or behind it. */
    @Test
    void cachedInChunks() {
        CaptionConditioning conditioning = target.captions();
        for (int b = 0; b < 2; b++) {
            Caption caption = caption(b);
            int[] tokens = CaptionFile.integers(fixture.expected().get("tokens").select(0, b));
            int n = caption.positions() + tokens.length;
            for (int chunk : new int[] {1, 2, 5, 7, n}) {
                try (PassScope scope = new PassScope();
                        DecoderPass pass = target.decoder().newPass(2 * chunk);
                        KvCache cache = target.decoder().newCache(2)) {
                    Prefix[] prefixes = {conditioning.prefix(caption, true), conditioning.prefix(caption, false)};
                    while (cache.length() < n) {
                        int from = cache.length();
                        int rows = Math.min(chunk, n - from);
                        pass.begin();
                        pass.add(cache, prefixes, conditioning.turn(caption.positions()), tokens, rows);
                        pass.run();
                        for (int half = 0; half < 2; half++) {
                            // The official outputs begin at the last position of the prefix.
                            int skipped = Math.max(0, caption.positions() - 1 - from);
                            if (skipped < rows) {
                                long at = (long) from + skipped - (caption.positions() - 1);
                                long first = (long) half * rows + skipped;
                                for (String output : new String[] {"features", "logits"}) {
                                    Tensor actual = output.equals("features") ? pass.features() : pass.logits();
                                    assertClose(
                                            actual.narrow(0, first, rows - skipped),
                                            fixture.expected()
                                                    .get(output)
                                                    .select(0, 2L * half + b)
                                                    .narrow(0, at, rows - skipped));
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private Path write(Map<String, Tensor> tensors) throws Exception {
        Path file = folder.resolve("captions.safetensors");
        TensorFiles.write(file, tensors, Map.of());
        return file;
    }

    /** Padding may be on either side: the sampling scripts move it to the left. */
    @Test
    void captionsInAFile() throws Exception {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Tensor embeddings = fixture.expected().get("caption_embeddings");
        Tensor mask = fixture.expected().get("caption_mask");
        tensors.put("caption_embeddings", embeddings);
        tensors.put("caption_mask", mask);
        Caption left = CaptionFile.open(write(tensors)).read(1);
        assertThat(left.positions()).isEqualTo((int) mask.select(0, 1).sum().item_double());
        long padding = 120 - left.positions();
        tensors.put(
                "caption_embeddings",
                torch.cat(
                        new TensorVector(
                                embeddings.narrow(1, padding, left.positions()), embeddings.narrow(1, 0, padding)),
                        1));
        tensors.put(
                "caption_mask",
                torch.cat(new TensorVector(mask.narrow(1, padding, left.positions()), mask.narrow(1, 0, padding)), 1)
                        .to(ScalarType.Bool));
        Caption right = CaptionFile.open(write(tensors)).read(1);
        assertThat(right.embeddings()).isEqualTo(left.embeddings());
    }

    /** Of a file whose end is gone, the captions before it are read. */
    @Test
    void onlyTheCaptionThatIsAskedForIsRead() throws Exception {
        Path file = write(Map.of("caption_embeddings", torch.ones(2, 4, 32)));
        CaptionFile captions = CaptionFile.open(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() - 4 * 32 * Float.BYTES);
        }
        assertThat(captions.read(0).positions()).isEqualTo(4);
        assertThatThrownBy(() -> captions.read(1)).isInstanceOf(CheckpointException.class);
    }

    @Test
    void whatIsNoCaptionIsRefused() throws Exception {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("caption_mask", torch.ones(1, 3));
        assertRefused(tensors, 0, "no tensor 'caption_embeddings' [captions, positions, width] in it");
        tensors.put("caption_embeddings", torch.ones(1, 4, 32));
        assertRefused(tensors, 0, "tensor 'caption_mask' has shape [1, 3], its captions ask for [1, 4]");
        tensors.put("caption_mask", torch.zeros(1, 4));
        assertRefused(tensors, 0, "a caption in it is all padding");
        assertRefused(tensors, 1, "no caption 1 in it; its captions are 0..0");
        tensors.put("caption_mask", torch.full(new long[] {1, 4}, new org.bytedeco.pytorch.Scalar(0.5)));
        assertRefused(tensors, 0, "tensor 'caption_mask' has 0.5 in it, not only 0 and 1");
        assertThatThrownBy(() -> target.captions().require(new Caption(new float[16], 1, 16)))
                .hasMessage(
                        "the caption's embeddings have width 16, the model reads 32; they are another text encoder's");
        assertThatThrownBy(() -> target.captions().require(new Caption(new float[121 * 32], 121, 32)))
                .hasMessage("the caption has 121 positions, the model reads at most 120");
        assertThatThrownBy(target::classes).hasMessage("this model makes images from captions, not from classes");
    }

    private void assertRefused(Map<String, Tensor> tensors, int index, String words) throws Exception {
        Path file = write(tensors);
        assertThatThrownBy(() -> CaptionFile.open(file).read(index))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(words)
                .hasMessageNotContainingAny("\n");
    }
}
