package org.coolsd.bench;

import org.openjdk.jmh.annotations.Param;

/** One verification in which both laws keep their k most probable tokens. */
public class CutoffBenchmark extends VerificationBenchmark {
    /** k. */
    @Param("2000")
    public int topK;

    @Override
    int topK() {
        return topK;
    }
}
