package org.coolsd.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.bytedeco.javacpp.Loader;
import org.coolsd.internal.NativeLibrary;

/** The C side of the benchmarks, bench/native/native_peer.c: C calls without Java, and memory read once. */
final class NativePeer {
    private NativePeer() {}

    static {
        // First the library that the C side calls: the dynamic linker then takes the very same one.
        NativeLibrary.require();
        System.load(library().getPath());
    }

    private static File library() {
        String name = Loader.getPlatform() + "/libcoolsd_bench_native.so";
        try {
            File file = Loader.cacheResource(NativePeer.class, name);
            if (file == null) {
                throw new IllegalStateException(
                        "there is no " + name + " on the class path: build with a JDK's headers");
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads {@code bytes} bytes at {@code address} once, on one core; returns a checksum. */
    static native long read(long address, long bytes);

    /**
     * Calls {@code coolsd_verify} {@code times} times.
     *
     * @param verifier address of a {@code coolsd_verifier}
     * @param args address of a {@code coolsd_verify_args}
     * @return the last status
     */
    static native int verify(long verifier, long args, int times);

    /** As {@link #verify} for {@code coolsd_sample} and a {@code coolsd_sample_args}. */
    static native int sample(long verifier, long args, int times);
}
