package org.coolsd;

/**
 * What the conformance suite runs on: the CPU, or with {@code -Dcoolsd.test.backend=cuda} the CUDA backend, which is the
 * SIMT executor where {@code coolsd.library.path} names its library. There it runs a share of the cases.
 */
final class TestBackend {
    private static final boolean CUDA = "cuda".equals(System.getProperty("coolsd.test.backend"));
    private static final double SHARE = Double.parseDouble(System.getProperty("coolsd.test.share", "1"));

    private static boolean registered;

    private TestBackend() {}

    private static Backend backend() {
        return CUDA ? Backend.cuda(0) : Backend.cpu();
    }

    /** Lets the device read the test's own memory in place. */
    static Verifier open(VerifierSpec spec) {
        Verifier verifier = Verifier.open(backend(), spec);
        if (CUDA && !registered) {
            RandomCase.register(verifier);
            registered = true;
        }
        return verifier;
    }

    static int cases(int all) {
        return (int) Math.ceil(all * SHARE);
    }
}
