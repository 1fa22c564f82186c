package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coolsd.internal.binding.Native;
import org.junit.jupiter.api.Test;

/** What GraalVM's native-image is told: every class with native methods, no class that does not exist, the libraries as resources. */
class NativeImageMetadataTest {
    private static final Path FOLDER = ForkedJvm.classes().resolve("META-INF/native-image/org.coolsd/coolsd-core");

    private static TreeSet<String> names(String file) throws Exception {
        TreeSet<String> names = new TreeSet<>();
        Matcher name =
                Pattern.compile("\"name\"\\s*:\\s*\"([\\w.$]+)\"").matcher(Files.readString(FOLDER.resolve(file)));
        while (name.find()) {
            names.add(name.group(1));
        }
        return names;
    }

    @Test
    void everyClassWithNativeMethodsIsNamedAndNoOther() throws Exception {
        TreeSet<String> named = names("jniNative/jni-config.json");
        assertThat(named).contains(Native.class.getName(), "org.bytedeco.javacpp.Pointer");
        for (String name : named) {
            if (name.startsWith("org.coolsd.")) {
                assertThat(Class.forName(name, false, getClass().getClassLoader()))
                        .isNotNull();
            }
        }
        Path binding = ForkedJvm.classes().resolve("org/coolsd/internal/binding");
        try (var files = Files.list(binding)) {
            for (Path file : files.toList()) {
                String name = "org.coolsd.internal.binding."
                        + file.getFileName().toString().replace(".class", "");
                Class<?> type = Class.forName(name, false, getClass().getClassLoader());
                if (Arrays.stream(type.getDeclaredMethods()).anyMatch(m -> Modifier.isNative(m.getModifiers()))) {
                    assertThat(named).contains(name);
                }
            }
        }
    }

    @Test
    void theLibrariesMatchThePatternOfResources() throws Exception {
        String text = Files.readString(FOLDER.resolve("resource-config.json"));
        Matcher pattern = Pattern.compile("\"pattern\": \"(.*)\"").matcher(text);
        assertThat(pattern.find()).isTrue();
        Pattern libraries = Pattern.compile(pattern.group(1).replace("\\\\", "\\"));
        for (String name : new String[] {"libcoolsd.so.0", "libjniNative.so"}) {
            assertThat("org/coolsd/internal/linux-x86_64/" + name).matches(libraries);
        }
        assertThat("org/coolsd/internal/NativePreset.class").doesNotMatch(libraries);
    }
}
