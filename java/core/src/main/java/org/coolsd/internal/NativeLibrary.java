package org.coolsd.internal;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.CoolsdException;
import org.coolsd.internal.binding.Native;

/**
 * Loads the native library once: from the folder that the system property {@code coolsd.library.path} names, and from
 * nowhere else if it is set; otherwise the copy in the jar, extracted to JavaCPP's cache
 * ({@code org.bytedeco.javacpp.cachedir}). What failed once fails every time with the same words, since the classes of a
 * binding that could not be initialised stay broken.
 */
public final class NativeLibrary {
    /** What coolsd_version() must say. */
    public static final int VERSION = 200;

    private static final String FOLDER = "coolsd.library.path";
    private static final String BINDING = "jniNative";
    private static final String CORE = "coolsd@.0.1";

    private static volatile boolean loaded;
    private static CoolsdException failure;

    private NativeLibrary() {}

    /**
     * Makes sure the library is loaded; nothing of the binding may be touched before.
     *
     * @throws CoolsdException if it cannot be, with the reason
     */
    public static void require() {
        if (!loaded) {
            load();
        }
    }

    private static synchronized void load() {
        if (loaded) {
            return;
        }
        if (failure == null) {
            try {
                loadFrom(System.getProperty(FOLDER));
                loaded = true;
                return;
            } catch (CoolsdException e) {
                failure = e;
            }
        }
        // A new one each time, with the stack of the caller.
        throw new CoolsdException(failure.getMessage(), failure);
    }

    private static void loadFrom(String folder) {
        int version;
        try {
            if (folder != null) {
                loadFiles(new File(folder));
            }
            Loader.load(Native.class);
            version = Native.coolsd_version();
        } catch (LinkageError | IOException e) {
            String reason = e.getMessage();
            throw new CoolsdException(
                    "cannot load the native library from " + source(folder) + ": " + reason + hint(folder, reason), e);
        }
        if (version != VERSION) {
            throw new CoolsdException("the native library from " + source(folder) + " has version " + version
                    + ", this coolsd-core needs " + VERSION + ": use the two of one build");
        }
    }

    /** Gives JavaCPP the files under the names by which it will ask for them, so that it looks nowhere else. */
    private static void loadFiles(File folder) throws IOException {
        File highway = new File(folder, "libhwy.so.1");
        if (highway.exists()) {
            Loader.loadLibrary(Native.class, urls(highway), "hwy@.1");
        }
        Loader.loadLibrary(Native.class, urls(required(folder, "libcoolsd.so.0.1")), CORE);
        Loader.loadLibrary(Native.class, urls(required(folder, "libjniNative.so")), BINDING);
    }

    private static File required(File folder, String name) throws IOException {
        File file = new File(folder, name);
        if (!file.exists()) {
            throw new IOException("there is no file " + file);
        }
        return file;
    }

    private static URL[] urls(File file) throws MalformedURLException {
        return new URL[] {file.toURI().toURL()};
    }

    private static String source(String folder) {
        return folder == null ? "the class path (" + Loader.getPlatform() + ")" : FOLDER + "=" + folder;
    }

    private static String hint(String folder, String reason) {
        // The second is what a call says whose library JavaCPP, shared by both loaders, has loaded for the other.
        if (reason != null
                && (reason.contains("already loaded in another classloader") || reason.contains("coolsd_version"))) {
            return "; a JVM loads it into one class loader only: put coolsd-core into one that all its users share";
        }
        if (folder != null) {
            return "";
        }
        String platform = Loader.getPlatform();
        boolean present = NativePreset.class.getResource(platform + "/libcoolsd.so.0.1") != null;
        return present
                ? "; if its cache folder cannot be written or is mounted noexec, move it with"
                        + " -Dorg.bytedeco.javacpp.cachedir"
                : "; there is no library for " + platform + ": add coolsd-core with the classifier " + platform
                        + ", or build the library and name its folder with -D" + FOLDER;
    }

    /** Turns a status into an exception with the library's words. */
    public static void check(int status) {
        if (status != Native.COOLSD_OK) {
            throw new CoolsdException(Native.coolsd_last_error().getString());
        }
    }

    /**
     * The address of element 0 of a direct buffer, whatever its position; 0 if it has none, as views of a byte buffer at odd
     * positions.
     */
    public static long address(java.nio.Buffer buffer) {
        require();
        // A slice begins at position 0: JavaCPP counts positions in elements of another size than the buffer's.
        return new Pointer(buffer.slice()).address();
    }
}
