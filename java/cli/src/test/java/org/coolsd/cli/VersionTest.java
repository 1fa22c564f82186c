package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import picocli.CommandLine;

/** The version of the project stands in the property "revision" of the root's POM, and everything that has one reads it there. */
class VersionTest {
    private static final Path HOME = ModuleArrowsTest.HOME;

    /** What is not written by hand, and the launcher's own folder. */
    private static final Set<String> SKIPPED = Set.of("target", "build", ".git", ".coolsd", "results");

    private static final Pattern TEXT =
            Pattern.compile("coolsd|CMakeLists\\.txt|.*\\.(java|xml|properties|h|c|cpp|cu|in|cmake|sh|md)");

    private static String revision() throws Exception {
        Element properties = ModuleArrowsTest.child(ModuleArrowsTest.parse(HOME.resolve("pom.xml")), "properties");
        return ModuleArrowsTest.child(properties, "revision").getTextContent();
    }

    @Test
    void itStandsInOnePlace() throws Exception {
        String revision = revision();
        Pattern version = Pattern.compile("(?<![\\w.])" + Pattern.quote(revision) + "(?![\\w.]*\\d)");
        List<String> places = new ArrayList<>();
        for (Path file : texts()) {
            String text = Files.readString(file);
            for (String line : text.contains(revision) ? text.lines().toList() : List.<String>of()) {
                if (version.matcher(line).find()) {
                    places.add(HOME.relativize(file) + ": " + line.strip());
                }
            }
        }
        // The changelog tells the past, in which versions do not change.
        places.removeIf(place -> place.startsWith("CHANGELOG.md: "));
        assertThat(places).containsExactly("pom.xml: <revision>" + revision + "</revision>");
    }

    @Test
    void everyPomReadsIt() throws Exception {
        assertThat(text(ModuleArrowsTest.parse(HOME.resolve("pom.xml")), "version"))
                .isEqualTo("${revision}");
        NodeList modules = ModuleArrowsTest.parse(HOME.resolve("pom.xml")).getElementsByTagName("module");
        for (int i = 0; i < modules.getLength(); i++) {
            Path pom = HOME.resolve(modules.item(i).getTextContent()).resolve("pom.xml");
            Element project = ModuleArrowsTest.parse(pom);
            assertThat(ModuleArrowsTest.child(project, "version"))
                    .as("a version of its own in " + pom)
                    .isNull();
            assertThat(text(ModuleArrowsTest.child(project, "parent"), "version"))
                    .as(pom.toString())
                    .isEqualTo("${revision}");
        }
    }

    @Test
    void theCommandLineSaysIt() throws Exception {
        assertThat(new CommandLine(new Main()).getCommandSpec().version()[0]).isEqualTo("coolsd " + revision());
    }

    private static String text(Element parent, String name) {
        return ModuleArrowsTest.child(parent, name).getTextContent();
    }

    private static TreeSet<Path> texts() throws IOException {
        TreeSet<Path> files = new TreeSet<>();
        Files.walkFileTree(HOME, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                boolean skipped = SKIPPED.contains(folder.getFileName().toString());
                return skipped ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (TEXT.matcher(file.getFileName().toString()).matches()) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }
}
