package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A library that cannot be loaded is a CoolsdException with the reason, every time it is asked for. */
public class NativeLibraryTest {
    @TempDir
    private Path folder;

    /** Asks in every way that needs the library, twice each, and prints what it was told. */
    public static final class Asking {
        private Asking() {}

        public static void main(String[] arguments) {
            List<Callable<Object>> ways = List.of(
                    () -> Verifier.open(Backend.cpu(), VerifierSpec.builder(8).build()),
                    () -> Logits.copyOf(new float[8], 1, 8),
                    () -> Logits.of(
                            java.nio.ByteBuffer.allocateDirect(32)
                                    .order(java.nio.ByteOrder.nativeOrder())
                                    .asFloatBuffer(),
                            1,
                            8),
                    () -> LogitsBuffer.of(Logits.Type.F32, 1, 8),
                    () -> Backend.auto(),
                    () -> Backend.cuda(0));
            for (int n = 0; n < 2 * ways.size(); n++) {
                try {
                    ways.get(n / 2).call();
                    System.out.println("made");
                } catch (CoolsdException e) {
                    System.out.println("CoolsdException: " + e.getMessage());
                } catch (Throwable e) {
                    System.out.println("not a CoolsdException: " + e);
                }
            }
        }
    }

    /** Opens a verifier and samples the token 5. */
    public static final class Sampling5 {
        private Sampling5() {}

        public static void main(String[] arguments) {
            try (Verifier verifier =
                    Verifier.open(Backend.cpu(), VerifierSpec.builder(8).build())) {
                float[] row = {0, 0, 0, 0, 0, 1000, 0, 0};
                System.out.println("token " + verifier.sample(Logits.copyOf(row, 1, 8), Purpose.BONUS, 1, 1));
            }
        }
    }

    private static Path natives() throws IOException {
        try (var files = Files.walk(ForkedJvm.classes())) {
            return files.filter(file -> file.endsWith("libjniNative.so"))
                    .findFirst()
                    .orElseThrow()
                    .getParent();
        }
    }

    private String option(Path library) {
        return "-Dcoolsd.library.path=" + library;
    }

    private String cache() {
        return "-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache");
    }

    private static void everyTimeTheSame(ForkedJvm.Result result, String message) {
        // Before it says that a file is no library, the JVM guesses what it might do to the stack.
        List<String> lines =
                result.text().lines().filter(line -> !line.contains("stack")).toList();
        assertThat(lines).hasSize(12).allMatch(line -> line.startsWith("CoolsdException: "), result.text());
        assertThat(lines).allMatch(line -> line.matches(message), message);
    }

    @Test
    void aFolderWithoutTheLibrary() throws Exception {
        var result =
                ForkedJvm.run(Asking.class, ForkedJvm.classes(), List.of(option(Path.of("/nonexistent")), cache()));
        everyTimeTheSame(
                result,
                "CoolsdException: cannot load the native library from coolsd.library.path=/nonexistent: there is no file"
                        + " /nonexistent/libcoolsd.so.0");
    }

    @Test
    void noLibraryForThisPlatform() throws Exception {
        Path classes = ForkedJvm.classesOnly(folder.resolve("classes"));
        var result = ForkedJvm.run(Asking.class, classes, List.of(cache()));
        everyTimeTheSame(
                result,
                "CoolsdException: cannot load the native library from the class path \\((\\S+)\\): .*; there is no library for"
                        + " \\1: add coolsd-core with the classifier \\1, or build the library and name its folder with"
                        + " -Dcoolsd.library.path");
    }

    @Test
    void aPlatformThatHasNoLibrary() throws Exception {
        var result = ForkedJvm.run(
                Asking.class, ForkedJvm.classes(), List.of("-Dorg.bytedeco.javacpp.platform=macosx-arm64", cache()));
        everyTimeTheSame(
                result,
                "CoolsdException: cannot load the native library from the class path \\(macosx-arm64\\): .*; coolsd has no"
                        + " library for macosx-arm64, only for linux-x86_64 and linux-arm64: run it on one of these, or build"
                        + " the library and name its folder with -Dcoolsd.library.path");
    }

    @Test
    void aFileThatIsNoLibrary() throws Exception {
        Path broken = Files.createDirectory(folder.resolve("broken"));
        Files.writeString(broken.resolve("libcoolsd.so.0"), "not a library");
        Files.writeString(broken.resolve("libjniNative.so"), "not one either");
        var result = ForkedJvm.run(Asking.class, ForkedJvm.classes(), List.of(option(broken), cache()));
        everyTimeTheSame(
                result,
                "CoolsdException: cannot load the native library from coolsd.library.path=.*/broken: .*libcoolsd.*");
    }

    @Test
    void theLibraryAndTheHeaderHaveTheVersionOfThePom() throws Exception {
        Matcher revision = Pattern.compile("<revision>(\\d+)\\.(\\d+)\\.(\\d+)")
                .matcher(Files.readString(Path.of("../../pom.xml")));
        assertThat(revision.find()).isTrue();
        int number = 0;
        for (int part = 1; part <= 3; part++) {
            number = 100 * number + Integer.parseInt(revision.group(part));
        }
        assertThat(Native.COOLSD_VERSION).isEqualTo(number);
        NativeLibrary.require();
        assertThat(Native.coolsd_version()).isEqualTo(number);
    }

    @Test
    void aLibraryOfAnotherVersion() throws Exception {
        Path old = Files.createDirectory(folder.resolve("old"));
        Path source = folder.resolve("old.c");
        Files.writeString(
                source,
                "int coolsd_version(void) { return 100; } const char* coolsd_last_error(void) { return \"\"; }\n");
        Path library = old.resolve("libcoolsd.so.0");
        Process compiler = new ProcessBuilder(
                        "cc",
                        "-shared",
                        "-fPIC",
                        "-o",
                        library.toString(),
                        "-Wl,-soname,libcoolsd.so.0",
                        source.toString())
                .inheritIO()
                .start();
        assertThat(compiler.waitFor()).isZero();
        Files.copy(natives().resolve("libjniNative.so"), old.resolve("libjniNative.so"));
        var result = ForkedJvm.run(Asking.class, ForkedJvm.classes(), List.of(option(old), cache()));
        everyTimeTheSame(
                result,
                "CoolsdException: the native library from coolsd.library.path=.*/old has version 100, this coolsd-core needs"
                        + " " + Native.COOLSD_VERSION + ": use the two of one build");
    }

    @Test
    void aFolderServesWithoutTheJarOfThePlatform() throws Exception {
        Path classes = ForkedJvm.classesOnly(folder.resolve("classes"));
        Path library = Files.createDirectory(folder.resolve("a folder"));
        try (var files = Files.list(natives())) {
            for (Path file : files.toList()) {
                Files.copy(file, library.resolve(file.getFileName().toString()));
            }
        }
        var result = ForkedJvm.run(Sampling5.class, classes, List.of(option(library), cache()));
        assertThat(result.text()).isEqualTo("token 5\n");
    }

    @Test
    void theJarOfThePlatformServes() throws Exception {
        var result = ForkedJvm.run(Sampling5.class, ForkedJvm.classes(), List.of(cache()));
        assertThat(result.text()).isEqualTo("token 5\n");
    }

    /** Loads the library in one class loader, and asks for it in another. */
    public static final class TwoLoaders {
        private TwoLoaders() {}

        public static void main(String[] arguments) throws Exception {
            List<URL> urls = new ArrayList<>();
            for (String path : System.getProperty("java.class.path").split(java.io.File.pathSeparator)) {
                urls.add(Path.of(path).toUri().toURL());
            }
            List<URL> shared = arguments[0].equals("shared") ? List.of(urls.get(2)) : List.of();
            URLClassLoader parent =
                    new URLClassLoader(shared.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
            for (int n = 0; n < 2; n++) {
                URLClassLoader loader = new URLClassLoader(urls.toArray(URL[]::new), parent);
                try {
                    loader.loadClass(Sampling5.class.getName())
                            .getMethod("main", String[].class)
                            .invoke(null, (Object) new String[0]);
                } catch (java.lang.reflect.InvocationTargetException e) {
                    System.out.println(e.getCause());
                }
            }
        }
    }

    private List<String> inTwoLoaders(String javacpp, String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of(options));
        all.add(cache());
        var result = ForkedJvm.run(TwoLoaders.class, ForkedJvm.classes(), all, javacpp);
        return result.text().lines().toList();
    }

    @Test
    void aSecondClassLoaderWorksFromTheJarAndIsRefusedFromAFolder() throws Exception {
        assertThat(inTwoLoaders("own")).containsExactly("token 5", "token 5");
        List<String> lines = inTwoLoaders("own", option(natives()));
        assertThat(lines).hasSize(2);
        assertThat(lines.get(0)).isEqualTo("token 5");
        assertThat(lines.get(1))
                .startsWith("org.coolsd.CoolsdException: cannot load the native library from coolsd.library.path=")
                .endsWith(
                        "; a JVM loads it into one class loader only: put coolsd-core into one that all its users share");
    }

    @Test
    void javacppInAnotherClassLoaderIsToldWhatToDo() throws Exception {
        for (String option : List.of(option(natives()), "-Dunused=0", "--add-opens=java.base/java.lang=ALL-UNNAMED")) {
            List<String> lines = inTwoLoaders("shared", option);
            assertThat(lines).hasSize(2).allMatch(line -> line.startsWith("org.coolsd.CoolsdException: cannot load"));
            assertThat(lines.get(0))
                    .endsWith("; javacpp is in another class loader than coolsd-core: put both into one");
        }
    }
}
