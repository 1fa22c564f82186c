package org.coolsd.internal;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.InaccessibleObjectException;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.util.List;
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
    private static final String FOLDER = "coolsd.library.path";

    /** The classifiers of coolsd-core, which the BOM has. */
    private static final List<String> PLATFORMS = List.of("linux-x86_64", "linux-arm64");

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
            // JavaCPP's own part, which the binding's library brings.
            new Pointer(ByteBuffer.allocateDirect(1));
            version = Native.coolsd_version();
        } catch (LinkageError | IOException | InaccessibleObjectException e) {
            String reason = e.getMessage();
            throw new CoolsdException(
                    "cannot load the native library from " + source(folder) + ": " + reason + hint(folder, reason), e);
        }
        if (version != Native.COOLSD_VERSION) {
            throw new CoolsdException("the native library from " + source(folder) + " has version " + version
                    + ", this coolsd-core needs " + Native.COOLSD_VERSION + ": use the two of one build");
        }
    }

    /** Loads the files, and gives them to JavaCPP under the names by which it will ask, so that it looks nowhere else. */
    private static void loadFiles(File folder) throws IOException {
        load(required(folder, "libcoolsd.so.0"), "coolsd@.0");
        load(required(folder, "libjniNative.so"), "jniNative");
    }

    private static void load(File file, String name) throws MalformedURLException {
        System.load(file.getAbsolutePath());
        // The mark at the end keeps JavaCPP from asking the system for what it cannot load.
        URL[] urls = {file.toURI().toURL()};
        if (Loader.loadLibrary(Native.class, urls, name + "#") == null) {
            throw new UnsatisfiedLinkError(file + " is already loaded in another classloader than JavaCPP's");
        }
    }

    private static File required(File folder, String name) throws IOException {
        File file = new File(folder, name);
        if (!file.exists()) {
            throw new IOException("there is no file " + file);
        }
        return file;
    }

    private static String source(String folder) {
        return folder == null ? "the class path (" + Loader.getPlatform() + ")" : FOLDER + "=" + folder;
    }

    private static String hint(String folder, String reason) {
        if (Loader.class.getClassLoader() != NativeLibrary.class.getClassLoader()) {
            return "; javacpp is in another class loader than coolsd-core: put both into one";
        }
        if (reason != null && reason.contains("already loaded in another classloader")) {
            return "; a JVM loads it into one class loader only: put coolsd-core into one that all its users share";
        }
        if (folder != null) {
            return "";
        }
        String platform = Loader.getPlatform();
        if (NativePreset.class.getResource(platform + "/libcoolsd.so.0") != null) {
            return "; if its cache folder cannot be written or is mounted noexec, move it with"
                    + " -Dorg.bytedeco.javacpp.cachedir";
        }
        String module = NativeLibrary.class.getModule().isNamed()
                ? " and the option --add-modules org.coolsd." + platform.replace('-', '.')
                : "";
        String build = ", or build the library and name its folder with -D" + FOLDER;
        return PLATFORMS.contains(platform)
                ? "; there is no library for " + platform + ": add coolsd-core with the classifier " + platform + module
                        + build
                : "; coolsd has no library for " + platform + ", only for " + String.join(" and ", PLATFORMS)
                        + ": run it on one of these" + build;
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
