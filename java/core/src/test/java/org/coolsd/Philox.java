package org.coolsd;

/** Philox4x32-10 in Java, for tests that need to know the native uniforms: 53 bits of two words, sibling 0. */
final class Philox {
    static final int DRAFT = 0;
    static final int ACCEPT = 1;
    static final int RESAMPLE = 2;
    static final int BONUS = 3;
    private static final int STEP = 4;

    private Philox() {}

    static double uniform(long seed, long position, int purpose) {
        return (bits(seed, position, purpose) >>> 11) * 0x1p-53;
    }

    /** The seed of a step of block verification. */
    static long stepSeed(long seed, long position) {
        return bits(seed, position, STEP);
    }

    private static long bits(long seed, long position, int purpose) {
        int[] c = {(int) position, (int) (position >>> 32), purpose, 0};
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        for (int round = 0; round < 10; round++) {
            long a = 0xD2511F53L * Integer.toUnsignedLong(c[0]);
            long b = 0xCD9E8D57L * Integer.toUnsignedLong(c[2]);
            c = new int[] {(int) (b >>> 32) ^ c[1] ^ k0, (int) b, (int) (a >>> 32) ^ c[3] ^ k1, (int) a};
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return Integer.toUnsignedLong(c[0]) << 32 | Integer.toUnsignedLong(c[1]);
    }
}
