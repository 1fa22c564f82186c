package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** The BOM has every module that somebody may depend on. */
class BomTest {
    private static final Path POM = ModuleArrowsTest.HOME.resolve("java/bom/pom.xml");

    /** Modules of the table that are nobody's dependency: the BOM itself, benchmarks, and what examples and tests use. */
    static final List<String> UNPUBLISHED =
            List.of("coolsd-bom", "coolsd-bench", "coolsd-onnxmodels", "coolsd-testing");

    @Test
    void everyPublishedModuleIsInIt() throws Exception {
        TreeSet<String> published = new TreeSet<>();
        for (Map.Entry<String, ModuleArrowsTest.Module> row :
                ModuleArrowsTest.table().entrySet()) {
            published.add(row.getKey());
        }
        assertThat(published).containsAll(UNPUBLISHED);
        published.removeAll(UNPUBLISHED);
        TreeSet<String> listed = new TreeSet<>();
        TreeSet<String> platforms = new TreeSet<>();
        NodeList dependencies = ModuleArrowsTest.parse(POM).getElementsByTagName("dependency");
        for (int i = 0; i < dependencies.getLength(); i++) {
            Element dependency = (Element) dependencies.item(i);
            String artifact = text(dependency, "artifactId");
            Element platform = ModuleArrowsTest.child(dependency, "classifier");
            assertThat(text(dependency, "groupId")).as(artifact).isEqualTo("org.coolsd");
            assertThat(text(dependency, "version")).as(artifact).isEqualTo("${project.version}");
            if (platform == null) {
                listed.add(artifact);
            } else {
                assertThat(artifact).isEqualTo("coolsd-core");
                platforms.add(platform.getTextContent());
            }
        }
        assertThat(listed).isEqualTo(published);
        assertThat(platforms).containsExactly("linux-arm64", "linux-x86_64");
    }

    private static String text(Element parent, String name) {
        return ModuleArrowsTest.child(parent, name).getTextContent();
    }
}
