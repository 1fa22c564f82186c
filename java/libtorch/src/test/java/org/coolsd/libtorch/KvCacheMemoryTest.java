package org.coolsd.libtorch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is computed is what a cache allocates. */
class KvCacheMemoryTest {
    @ParameterizedTest
    @CsvSource({"1, 10240", "40, 50", "1024, 10240", "1025, 10240", "1120, 4096", "2415, 10240", "3500, 4096"})
    void asACacheGrows(int length, int longest) {
        DecoderShape shape = DecoderShape.of(1, 4, 2, 4, 1e-5);
        KvCacheMemory memory = new KvCacheMemory(1, 2, 2, longest);
        try (KvCache cache = new KvCache(Placement.cpu(), shape, 1, longest)) {
            int former = 0;
            while (cache.length() < length) {
                int before = cache.capacity();
                cache.makeRoom(1);
                cache.advance(1);
                former = cache.capacity() > before ? before : former;
            }
            assertThat(memory.positions(length)).isEqualTo(cache.capacity());
            assertThat(memory.bytes(length)).isEqualTo(cache.capacity() * 2L * 4 * Float.BYTES);
            assertThat(memory.growing(length)).isEqualTo(former * 2L * 4 * Float.BYTES);
        }
    }
}
