package org.coolsd;

/**
 * What the conformance suite runs on: the CPU, or with {@code -Dcoolsd.test.backend=cuda} the CUDA backend, which is the
 * SIMT executor where {@code coolsd.library.path} names its library. There it runs a share of the cases.
 */
final class TestBackend {
    private static final boolean CUDA = "cuda".equals(System.getProperty("coolsd.test.backend"));
    private static final double SHARE = Double.parseDouble(System.getProperty("coolsd.test.share", "1"));

    private TestBackend() {}

    static Backend backend() {
        return CUDA ? Backend.cuda(0) : Backend.cpu();
    }

    static int cases(int all) {
        return (int) Math.ceil(all * SHARE);
    }
}
