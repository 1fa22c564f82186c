package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** What has no room is refused before it is made. */
class ImageGridTest {
    @Test
    void anImageHasFewerThanTwoToThe31Pixels() {
        // 90 x 90 pictures of 514 pixels are 46262 pixels a side, 91 x 90 are more than 2^31.
        assertThatCode(() -> ImageGrid.requireRoom(8100, 512, 512, 3, Long.MAX_VALUE))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> ImageGrid.requireRoom(10_000, 512, 512, 3, Long.MAX_VALUE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("count is 10000, one PNG of pictures of 512x512 has room for 8100 with")
                .hasMessageNotContainingAny("\n");
    }

    /** Four pictures of colours: the grid has 1030 * 1030 pixels of four bytes, and each picture three bytes a pixel. */
    @Test
    void theHeapHasRoom() {
        long bytes = 4L * 1030 * 1030 + 3L * 4 * 512 * 512;
        assertThatCode(() -> ImageGrid.requireRoom(4, 512, 512, 3, bytes)).doesNotThrowAnyException();
        assertThatThrownBy(() -> ImageGrid.requireRoom(4, 512, 512, 3, bytes - 1))
                .hasMessageContaining("has room for 3 ");
    }
}
