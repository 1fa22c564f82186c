package org.coolsd.models.t5;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Tensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Buckets of relative positions. */
class RelativePositionsTest {
    /**
     * Of T5's 32 buckets up to 128: 8 + 8 log(d / 8) / log(16), rounded down, so that the bounds are 8 sqrt(2)^s: 8, 11.3, 16,
     * 22.6, 32, 45.3, 64, 90.5.
     */
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1, 17",
        "-1, 1",
        "7, 23",
        "-7, 7",
        "8, 24",
        "-8, 8",
        "11, 24",
        "12, 25",
        "-12, 9",
        "15, 25",
        "16, 26",
        "-16, 10",
        "22, 26",
        "23, 27",
        "31, 27",
        "32, 28",
        "-32, 12",
        "45, 28",
        "46, 29",
        "63, 29",
        "64, 30",
        "-64, 14",
        "90, 30",
        "91, 31",
        "-91, 15",
        "127, 31",
        "128, 31",
        "-128, 15",
        "1000000, 31",
        "-1000000, 15"
    })
    void ofT5(int relative, int bucket) {
        assertThat(RelativePositions.bucket(relative, 32, 128)).isEqualTo(bucket);
    }

    /** The official code computes the logarithm with LibTorch in f32, where whole numbers may fall just short. */
    @ParameterizedTest
    @CsvSource({"32, 128", "8, 6", "16, 20", "32, 256", "64, 1000"})
    void asLibTorchRounds(int buckets, int maxDistance) throws Exception {
        LibTorch.load(1);
        int half = buckets / 2;
        int exact = half / 2;
        long[] distances = IntStream.range(exact, 2000).asLongStream().toArray();
        try (PassScope scope = new PassScope()) {
            Tensor far = torch.log(Tensors.of(distances, distances.length)
                            .to(ScalarType.Float)
                            .div(new Scalar((long) exact)))
                    .div(new Scalar(Math.log((double) maxDistance / exact)))
                    .mul(new Scalar((long) (half - exact)))
                    .to(ScalarType.Long);
            long[] expected = new long[distances.length];
            far.data_ptr_long().get(expected);
            for (int i = 0; i < distances.length; i++) {
                long bucket = Math.min(exact + expected[i], half - 1);
                assertThat(RelativePositions.bucket((int) -distances[i], buckets, maxDistance))
                        .as("distance " + distances[i])
                        .isEqualTo((int) bucket);
            }
        }
    }

    @Test
    void pairsHaveARowForEachReader() {
        assertThat(RelativePositions.buckets(3, 32, 128)).containsExactly(0, 17, 18, 1, 0, 17, 2, 1, 0);
    }
}
