package org.coolsd.libtorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every member does every task once; failures come back and harm nothing; sleeping members wake up. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WorkersTest {
    @Test
    void everyMemberDoesEveryTaskOnce() throws Exception {
        for (int size : new int[] {1, 2, 4}) {
            AtomicIntegerArray done = new AtomicIntegerArray(size);
            try (Workers workers = new Workers(size)) {
                assertThat(workers.size()).isEqualTo(size);
                for (int round = 1; round <= 3000; round++) {
                    workers.run(done::incrementAndGet);
                    for (int i = 0; i < size; i++) {
                        assertThat(done.get(i)).isEqualTo(round);
                    }
                    if (round % 1000 == 0) {
                        TimeUnit.MILLISECONDS.sleep(20);
                    }
                }
            }
        }
    }

    @Test
    void failuresReachTheCallerFromEveryMember() {
        try (Workers workers = new Workers(3)) {
            for (int failing = 0; failing < 3; failing++) {
                int who = failing;
                assertThatThrownBy(() -> workers.run(i -> {
                            if (i == who) {
                                throw new IllegalArgumentException("member " + i);
                            }
                        }))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("member " + who);
                AtomicIntegerArray done = new AtomicIntegerArray(3);
                workers.run(done::incrementAndGet);
                assertThat(done.get(0) + done.get(1) + done.get(2)).isEqualTo(3);
            }
        }
    }
}
