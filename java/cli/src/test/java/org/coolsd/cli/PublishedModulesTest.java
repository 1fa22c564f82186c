package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

/** Each published module has what Maven Central asks for, and each of its packages says what its callers may rely on. */
class PublishedModulesTest {
    private static final Pattern EXPORTS = Pattern.compile("\\n    exports ([\\w.]+)(;| to)");

    private static final Pattern STABILITY = Pattern.compile("\\* @stability (stable|evolving|internal)\\n");

    private static List<Path> folders() throws Exception {
        List<Path> folders = new ArrayList<>();
        for (Map.Entry<String, ModuleArrowsTest.Module> row :
                ModuleArrowsTest.table().entrySet()) {
            if (!BomTest.UNPUBLISHED.contains(row.getKey()) || row.getKey().equals("coolsd-bom")) {
                folders.add(ModuleArrowsTest.HOME.resolve(row.getValue().folder()));
            }
        }
        return folders;
    }

    @Test
    void thePomsAreComplete() throws Exception {
        Element root = ModuleArrowsTest.parse(ModuleArrowsTest.HOME.resolve("pom.xml"));
        for (String inherited : List.of("url", "licenses", "developers", "scm")) {
            assertThat(ModuleArrowsTest.child(root, inherited)).as(inherited).isNotNull();
        }
        for (Path folder : folders()) {
            Element pom = ModuleArrowsTest.parse(folder.resolve("pom.xml"));
            String artifact = ModuleArrowsTest.child(pom, "artifactId").getTextContent();
            assertThat(ModuleArrowsTest.child(pom, "name"))
                    .as("<name> in " + folder)
                    .isNotNull();
            assertThat(ModuleArrowsTest.child(pom, "name").getTextContent()).isEqualTo(artifact);
            assertThat(ModuleArrowsTest.child(pom, "description"))
                    .as("<description> in " + folder)
                    .isNotNull();
        }
    }

    @Test
    void whatIsNobodysDependencyIsNotPublished() throws Exception {
        for (Map.Entry<String, ModuleArrowsTest.Module> row :
                ModuleArrowsTest.table().entrySet()) {
            Path pom = ModuleArrowsTest.HOME.resolve(row.getValue().folder()).resolve("pom.xml");
            Element properties = ModuleArrowsTest.child(ModuleArrowsTest.parse(pom), "properties");
            Element unpublished = properties == null ? null : ModuleArrowsTest.child(properties, "unpublished");
            assertThat(unpublished != null && unpublished.getTextContent().equals("true"))
                    .as("<unpublished>true</unpublished> in " + pom)
                    .isEqualTo(BomTest.UNPUBLISHED.contains(row.getKey())
                            && !row.getKey().equals("coolsd-bom"));
        }
    }

    @Test
    void everyPackageThatIsExportedSaysHowStableItIs() throws Exception {
        int packages = 0;
        for (Path folder : folders()) {
            Path sources = folder.resolve("src/main/java");
            if (!Files.exists(sources)) {
                continue;
            }
            for (Path info : exported(sources)) {
                assertThat(STABILITY.matcher(Files.readString(info)).find())
                        .as("@stability stable, evolving or internal in " + info)
                        .isTrue();
                packages++;
            }
        }
        assertThat(packages).isGreaterThan(15);
    }

    /** The package-info of every package that a module exports; of all packages where the jar is no module. */
    private static List<Path> exported(Path sources) throws Exception {
        Path module = sources.resolve("module-info.java");
        if (!Files.exists(module)) {
            try (Stream<Path> files = Files.walk(sources)) {
                return files.filter(file -> file.endsWith("package-info.java")).toList();
            }
        }
        List<Path> infos = new ArrayList<>();
        Matcher exports = EXPORTS.matcher(Files.readString(module));
        while (exports.find()) {
            infos.add(sources.resolve(exports.group(1).replace('.', '/')).resolve("package-info.java"));
        }
        return infos;
    }
}
