package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * What each module may use is the table of docs/architecture.md, from the bottom up: an arrow that turns round, or one that the
 * table does not have, fails here. The table is read, not repeated.
 */
class ModuleArrowsTest {
    static final Path HOME = Path.of("..", "..");

    /** A row of the table: module folder, Maven artifact, the project's modules and the bytedeco libraries that it uses. */
    private static final Pattern ROW =
            Pattern.compile("\\| `([\\w/-]+)` \\| `(coolsd-[\\w-]+)` \\|([^|]*)\\|([^|]*)\\|.*");

    private static final Pattern NAME = Pattern.compile("`([\\w-]+)`");

    record Module(String folder, TreeSet<String> modules, TreeSet<String> bytedeco) {}

    @Test
    void theTableNamesEveryModule() throws Exception {
        List<String> folders = new ArrayList<>();
        NodeList modules = parse(HOME.resolve("pom.xml")).getElementsByTagName("module");
        for (int i = 0; i < modules.getLength(); i++) {
            folders.add(modules.item(i).getTextContent());
        }
        assertThat(table().values()).extracting(Module::folder).containsExactlyInAnyOrderElementsOf(folders);
    }

    @Test
    void everyModuleUsesWhatTheTableSays() throws Exception {
        for (Map.Entry<String, Module> row : table().entrySet()) {
            Module module = row.getValue();
            Path pom = HOME.resolve(module.folder).resolve("pom.xml");
            assertThat(dependencies(pom, "org.coolsd", row.getKey()))
                    .as("the project's modules in " + pom)
                    .isEqualTo(module.modules);
            assertThat(dependencies(pom, "org.bytedeco", row.getKey()))
                    .as("libraries of bytedeco in " + pom)
                    .isEqualTo(module.bytedeco);
        }
    }

    @Test
    void arrowsPointDownTheTable() throws Exception {
        Map<String, TreeSet<String>> reached = new LinkedHashMap<>();
        for (Map.Entry<String, Module> row : table().entrySet()) {
            TreeSet<String> all = new TreeSet<>();
            for (String used : row.getValue().modules) {
                assertThat(reached).as(row.getKey() + " uses " + used).containsKey(used);
                all.add(used);
                all.addAll(reached.get(used));
            }
            all.addAll(row.getValue().bytedeco);
            reached.put(row.getKey(), all);
        }
        assertThat(reached.get("coolsd-core")).containsExactly("javacpp");
        assertThat(reached.get("coolsd-checkpoint")).isEmpty();
        assertThat(reached.get("coolsd-images")).doesNotContain("coolsd-training", "coolsd-command");
        reached.forEach((module, all) -> assertThat(all).as(module).doesNotContain("coolsd-cli"));
    }

    /** Rows by artifact, in the order of the table. */
    static Map<String, Module> table() throws Exception {
        Map<String, Module> rows = new LinkedHashMap<>();
        for (String line : Files.readAllLines(HOME.resolve("docs/architecture.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                rows.put(row.group(2), new Module(row.group(1), names(row.group(3)), names(row.group(4))));
            }
        }
        return rows;
    }

    private static TreeSet<String> names(String cell) {
        TreeSet<String> names = new TreeSet<>();
        for (Matcher name = NAME.matcher(cell); name.find(); ) {
            names.add(name.group(1));
        }
        return names;
    }

    /** Artifacts of a group that the module itself is compiled or run with, its tests and profiles apart. */
    private static TreeSet<String> dependencies(Path pom, String group, String self) throws Exception {
        TreeSet<String> artifacts = new TreeSet<>();
        Element list = child(parse(pom), "dependencies");
        if (list == null) {
            return artifacts;
        }
        NodeList all = list.getElementsByTagName("dependency");
        for (int i = 0; i < all.getLength(); i++) {
            Element dependency = (Element) all.item(i);
            Element scope = child(dependency, "scope");
            boolean test = scope != null && scope.getTextContent().equals("test");
            String artifact = child(dependency, "artifactId").getTextContent();
            if (!test && child(dependency, "groupId").getTextContent().equals(group) && !artifact.equals(self)) {
                artifacts.add(artifact);
            }
        }
        return artifacts;
    }

    static Element parse(Path pom) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(pom.toFile())
                .getDocumentElement();
    }

    /** The first child element of this name, or null. */
    static Element child(Element parent, String name) {
        for (var node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element && element.getTagName().equals(name)) {
                return element;
            }
        }
        return null;
    }
}
