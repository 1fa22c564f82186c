package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * The script {@code coolsd}, copied to a checkout of its own where the tools are imitations: a Maven that notes its calls and
 * makes the folders of a build, and a Java that prints its arguments.
 */
class LauncherTest {
    private static final Path SCRIPT =
            Path.of("..", "..", "coolsd").toAbsolutePath().normalize();

    /** What the script may use; Maven, Java and apt-get are hidden or imitated. */
    private static final List<String> TOOLS = List.of(
            "bash",
            "basename",
            "cat",
            "cksum",
            "chmod",
            "cp",
            "cut",
            "date",
            "dirname",
            "env",
            "find",
            "flock",
            "g++",
            "cmake",
            "getent",
            "grep",
            "head",
            "id",
            "kill",
            "ln",
            "locale",
            "mkdir",
            "mktemp",
            "mv",
            "nproc",
            "readlink",
            "rm",
            "sed",
            "setpriv",
            "sleep",
            "stat",
            "tail",
            "touch",
            "tr");

    @TempDir
    private Path folder;

    private Path home;
    private Path tools;

    /** What one run left behind. */
    private record Run(int code, String out, String error) {
        List<String> arguments() {
            return out.lines().toList();
        }

        /** The last setting of the property {@code name}, which is the one that Java takes. */
        String property(String name) {
            String start = "-D" + name + "=";
            return arguments().stream()
                    .filter(line -> line.startsWith(start))
                    .reduce((first, second) -> second)
                    .map(line -> line.substring(start.length()))
                    .orElse(null);
        }
    }

    @BeforeEach
    void checkout() throws Exception {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        tools = Files.createDirectory(folder.resolve("tools"));
        for (String name : TOOLS) {
            for (String place : System.getenv("PATH").split(File.pathSeparator)) {
                Path tool = Path.of(place, name);
                if (Files.isExecutable(tool) && !Files.exists(tools.resolve(name))) {
                    Files.createSymbolicLink(tools.resolve(name), tool);
                }
            }
        }
        Path bin = Files.createDirectories(folder.resolve("jdk/bin"));
        script(bin.resolve("java"), "printf '%s\\n' \"$@\"");
        script(bin.resolve("javac"), "exit 0");
        Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"17.0.15\"\n");
        script(tools.resolve("mvn"), MAVEN);
        checkout("home");
    }

    /** Notes that it was called, takes a second, and makes what the launcher needs of a build. */
    private static final String MAVEN =
            """
            echo "$*" >>mvn.calls
            sleep 1
            mkdir -p java/cli/target/classes java/cli/target/lib bench/target java/spark/target
            """;

    private void checkout(String name) throws IOException {
        home = Files.createDirectory(folder.resolve(name));
        Files.copy(SCRIPT, home.resolve("coolsd"));
        Files.writeString(home.resolve("pom.xml"), "<project><revision>1.2.3</revision></project>\n");
        Files.createDirectories(home.resolve("java/cli/src/main/java"));
        Files.writeString(home.resolve("java/cli/src/main/java/A.java"), "class A {}\n");
        // Files of the past: the build that follows is newer than they are.
        for (String file : List.of("pom.xml", "java/cli/src/main/java/A.java", "java/cli/src/main/java")) {
            Files.setLastModifiedTime(
                    home.resolve(file), FileTime.from(Instant.now().minusSeconds(100)));
        }
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, "#!/usr/bin/env bash\n" + text + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private ProcessBuilder process(Path from, Map<String, String> environment, String... command) {
        ProcessBuilder builder = new ProcessBuilder(command).directory(from.toFile());
        Map<String, String> variables = builder.environment();
        variables
                .keySet()
                .removeIf(name -> name.startsWith("JAVA")
                        || name.startsWith("JDK")
                        || name.startsWith("COOLSD")
                        || name.startsWith("MAVEN")
                        || name.startsWith("XDG"));
        variables.put("PATH", tools.toString());
        variables.put("HOME", folder.toString());
        variables.put("JAVA_HOME", folder.resolve("jdk").toString());
        variables.putAll(environment);
        variables.values().removeIf(String::isEmpty);
        return builder;
    }

    private Run run(Path from, Map<String, String> environment, String... command) throws Exception {
        Process process = process(from, environment, command).start();
        // Both are short: neither fills its pipe.
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String error = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Run(process.waitFor(), out, error);
    }

    private Run run(String... arguments) throws Exception {
        return run(Map.of(), arguments);
    }

    private Run run(Map<String, String> environment, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(home.resolve("coolsd").toString()));
        command.addAll(List.of(arguments));
        return run(folder, environment, command.toArray(new String[0]));
    }

    private long builds() throws IOException {
        Path calls = home.resolve("mvn.calls");
        return Files.exists(calls) ? Files.readAllLines(calls).size() : 0;
    }

    private void assertRan(Run run) {
        assertThat(run.code()).as(run.error()).isZero();
        assertThat(run.arguments())
                .contains(home + "/java/cli/target/classes:" + home + "/java/cli/target/lib/*")
                .endsWith("org.coolsd.cli.Main", "generate", "--class", "a b");
        assertThat(run.property("coolsd.home")).isEqualTo(home.toString());
    }

    @Test
    void withoutACommandItSaysWhichThereAre() throws Exception {
        Run run = run();
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.error()).contains("For example: coolsd generate", "bench", "spark-generate", "test");
        for (String command : new CommandLine(new Main()).getSubcommands().keySet()) {
            assertThat(run.error().lines()).anyMatch(line -> line.matches("  " + command + " +[a-z].*"));
        }
        assertThat(run("--help")).isEqualTo(new Run(0, run.error(), ""));
        assertThat(run("--version")).isEqualTo(new Run(0, "coolsd 1.2.3, not built yet\n", ""));
        assertThat(builds()).isZero();
    }

    @Test
    void itIsCalledThroughLinksFromAnywhere() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), home.resolve("coolsd"));
        Path second = Files.createSymbolicLink(folder.resolve("second"), Path.of("link"));
        for (Path name : List.of(home.resolve("coolsd"), link, second)) {
            assertRan(run(Path.of("/"), Map.of(), name.toString(), "generate", "--class", "a b"));
        }
        Path onPath = Files.createDirectory(folder.resolve("bin"));
        Files.createSymbolicLink(onPath.resolve("coolsd"), Path.of("..", "home", "coolsd"));
        assertRan(
                run(Path.of("/"), Map.of("PATH", onPath + ":" + tools), "bash", "-c", "coolsd generate --class 'a b'"));
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void cdpathChangesNothing() throws Exception {
        assertRan(run(folder, Map.of("CDPATH", folder.toString()), "home/coolsd", "generate", "--class", "a b"));
        Files.createDirectories(folder.resolve("other/home"));
        assertRan(run(
                folder,
                Map.of("CDPATH", folder.resolve("other").toString()),
                "home/coolsd",
                "generate",
                "--class",
                "a b"));
    }

    @Test
    void foldersHaveSpacesAndOtherCharacters() throws Exception {
        for (String name : List.of("a b", " c  d", "ü", "q'u$o&t(e)*[x]%20+", "-dash")) {
            checkout(name);
            assertRan(run("generate", "--class", "a b"));
            assertRan(run(home, Map.of(), "./coolsd", "generate", "--class", "a b"));
        }
    }

    @Test
    void charactersThatJavaOrCMakeDoNotTakeAreRefusedInWords() throws Exception {
        for (String character : List.of(":", ";", ",", "#", "\"", "\\")) {
            checkout("a" + character + "b");
            Run run = run("generate");
            assertThat(run.code()).isEqualTo(1);
            assertThat(run.error()).startsWith("coolsd: the path '").contains("move or rename the folder");
            assertThat(run.error().lines()).hasSize(1);
            assertThat(builds()).isZero();
        }
    }

    @Test
    void itBuildsOnceAndAgainWhenSomethingChanged() throws Exception {
        Run first = run("generate");
        assertThat(first.code()).isZero();
        assertThat(first.error()).contains("building, which takes a few minutes the first time", "build.log");
        assertThat(first.error().lines())
                .as("no progress line without a terminal")
                .hasSize(1);
        assertThat(first.error()).doesNotContain("\r");
        assertThat(run("generate").error()).isEmpty();
        assertThat(builds()).isEqualTo(1);
        // What a user leaves beside the sources is none of them.
        Files.writeString(home.resolve("images.png"), "");
        Files.writeString(home.resolve("notes.md"), "");
        run("generate");
        assertThat(builds()).isEqualTo(1);
        Path source = home.resolve("java/cli/src/main/java/A.java");
        Files.writeString(source, "class A { int a; }\n");
        assertThat(run("generate").error()).startsWith("coolsd: building; log: ");
        assertThat(builds()).isEqualTo(2);
        Files.writeString(home.resolve("java/cli/src/main/java/B.java"), "class B {}\n");
        run("generate");
        assertThat(builds()).isEqualTo(3);
        Files.delete(home.resolve("java/cli/src/main/java/B.java"));
        run("generate");
        assertThat(builds()).as("a source that is removed").isEqualTo(4);
        run(Map.of("COOLSD_MAVEN", "-P gpu"), "generate");
        assertThat(Files.readAllLines(home.resolve("mvn.calls")).get(4)).contains("-pl java/cli -am", "-P gpu");
    }

    @Test
    void sparkIsBuiltOnlyWhereItIsUsed() throws Exception {
        run("generate");
        Run run = run("spark-generate", "--class", "a b");
        assertThat(run.code()).as(run.error()).isZero();
        assertThat(run.error()).contains("and Spark");
        assertThat(run.arguments())
                .contains("@" + home + "/java/spark/jvm.options")
                .endsWith("org.coolsd.spark.SparkGenerateCommand", "--class", "a b");
        assertThat(Files.readAllLines(home.resolve("mvn.calls")))
                .satisfiesExactly(
                        cli -> assertThat(cli).contains("-pl java/cli").doesNotContain("spark"),
                        spark -> assertThat(spark).contains("-pl java/spark -am", "-P spark"));
        assertThat(run("generate").arguments()).noneMatch(argument -> argument.contains("spark"));
    }

    @Test
    void aSourceThatChangesDuringTheBuildIsBuiltAgain() throws Exception {
        script(
                tools.resolve("mvn"),
                MAVEN + "[ -e once ] || { touch once; echo '// later' >>java/cli/src/main/java/A.java; }");
        run("generate");
        run("generate");
        run("generate");
        assertThat(builds()).isEqualTo(2);
    }

    @Test
    void twoFirstBuildsAtOnceAreOne() throws Exception {
        String script = home.resolve("coolsd").toString();
        List<Process> both = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            both.add(process(folder, Map.of(), script, "generate", "--class", "a b")
                    .start());
        }
        StringBuilder error = new StringBuilder();
        for (Process process : both) {
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            error.append(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
            assertRan(new Run(process.waitFor(), out, error.toString()));
        }
        assertThat(builds()).isEqualTo(1);
        assertThat(error.toString()).containsOnlyOnce("coolsd: building").contains("waiting for another build");
    }

    @Test
    void artifactsGoIntoTheFolderThatIsNamed() throws Exception {
        String script = home.resolve("coolsd").toString();
        Run run = run(folder, Map.of("COOLSD_MAVEN", "-P gpu"), script, "publish-local", "a repository");
        assertThat(run.code()).as(run.error()).isZero();
        assertThat(run.out()).isEqualTo("coolsd 1.2.3 is in a repository\n");
        assertThat(run.error().lines()).hasSize(1);
        assertThat(run("publish-local").out()).isEqualTo("coolsd 1.2.3 is in the local Maven repository\n");
        assertThat(Files.readAllLines(home.resolve("mvn.calls")))
                .containsExactly(
                        "-B -DskipTests -P publish -Dspotless.check.skip=true deploy -DaltDeploymentRepository=local::file://"
                                + folder + "/a repository -P gpu",
                        "-B -DskipTests -P publish -Dspotless.check.skip=true install");
        for (String[] wrong : new String[][] {{"--to"}, {"a", "b"}}) {
            List<String> command = new ArrayList<>(List.of(script, "publish-local"));
            command.addAll(List.of(wrong));
            run = run(folder, Map.of(), command.toArray(new String[0]));
            assertThat(run.code()).isEqualTo(2);
            assertThat(run.error().lines()).hasSize(1);
        }
        assertThat(builds()).isEqualTo(2);
    }

    @Test
    void aBuildThatFailsIsToldAndTriedAgain() throws Exception {
        script(tools.resolve("mvn"), "echo '[ERROR] A.java:[1,1] error: no such thing'; exit 1");
        Run run = run("generate");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error()).contains("no such thing", "coolsd: the build failed, see ");
        script(tools.resolve("mvn"), MAVEN);
        assertThat(run("generate").code()).isZero();
    }

    @Test
    void aUsersOptionsWin() throws Exception {
        Run run = run("generate");
        assertThat(run.property("org.bytedeco.javacpp.cachedir")).isEqualTo(home + "/java/cli/target/javacpp");
        assertThat(run.property("org.bytedeco.javacpp.maxPhysicalBytes")).isEqualTo("0");
        Map<String, String> settings = new TreeMap<>();
        settings.put("COOLSD_JAVA_OPTIONS", "-Dorg.bytedeco.javacpp.cachedir=/mine -Duser.home=? -Xmx1g");
        run = run(settings, "generate");
        assertThat(run.property("org.bytedeco.javacpp.cachedir")).isEqualTo("/mine");
        assertThat(run.property("user.home")).isEqualTo("?");
        assertThat(run.arguments()).contains("-Xmx1g");
        // Java puts the options of these before those of the command line, so that the launcher has to leave its own
        // out.
        for (String variable : List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS")) {
            run = run(
                    Map.of(
                            variable,
                            "-Xmx1g -Dorg.bytedeco.javacpp.cacheDir=/mine -Dorg.bytedeco.javacpp.maxPhysicalBytes=1g"),
                    "generate");
            assertThat(run.property("org.bytedeco.javacpp.cachedir")).isNull();
            assertThat(run.property("org.bytedeco.javacpp.maxPhysicalBytes")).isNull();
        }
    }

    @Test
    void anOldJavaIsRefused() throws Exception {
        run("generate");
        Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"11.0.2\"\n");
        Run run = run("generate");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error()).startsWith("coolsd: ").contains("is Java 11, at least 17 is needed", "JAVA_HOME");
    }

    /** A user who is on no list, as in a container that runs under a number: Java would call the home folder '?'. */
    @Test
    void aUserOnNoListHasAHomeFolder() throws Exception {
        Files.delete(tools.resolve("getent"));
        script(tools.resolve("getent"), "exit 2");
        script(tools.resolve("mvn"), MAVEN + "echo \"$MAVEN_OPTS\" >>options");
        Run run = run("generate");
        assertThat(run.property("user.home")).isEqualTo(folder.toString());
        assertThat(home.resolve("options")).content().contains("-Duser.home='" + folder + "'");
    }

    @Test
    void aCheckoutOfSomebodyElseRunsAndSaysWhyItCannotBuild() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root can become somebody else");
        run("generate");
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxrwxrwx"));
        String[] asNobody = {
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            home.resolve("coolsd").toString(),
            "generate"
        };
        Run run = run(Path.of("/"), Map.of("TMPDIR", temporary.toString()), asNobody);
        assertThat(run.code()).as(run.error()).isZero();
        assertThat(run.property("org.bytedeco.javacpp.cachedir")).startsWith(temporary + "/coolsd-65534/");
        Path own = Files.createDirectory(folder.resolve("own"));
        Files.setPosixFilePermissions(own, PosixFilePermissions.fromString("rwxrwxrwx"));
        run = run(Path.of("/"), Map.of("XDG_CACHE_HOME", own.toString()), asNobody);
        assertThat(run.property("org.bytedeco.javacpp.cachedir")).startsWith(own + "/coolsd/");
        run = run(Path.of("/"), Map.of("TMPDIR", "/proc"), asNobody);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error()).contains("cannot write to " + home, "cachedir=FOLDER");
        assertThat(run.error().lines()).hasSize(1);
        Files.writeString(home.resolve("java/cli/src/main/java/A.java"), "class A { int a; }\n");
        run = run(Path.of("/"), Map.of("TMPDIR", temporary.toString()), asNobody);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error()).contains("you may not write to " + home + "/java/cli/target", "let root, who owns");
        assertThat(run.error().lines()).hasSize(1);
        assertThat(builds()).isEqualTo(1);
    }

    /** An apt-get that chatters on both streams, notes its arguments and installs a Maven. */
    private void imitateApt(String ending) throws IOException {
        script(
                tools.resolve("apt-get"),
                "echo chatter; echo 'E: chatter of errors' >&2; echo \"$*\" >>" + folder.resolve("apt.calls") + "; "
                        + ending);
    }

    @Test
    void rootIsToldWhatIsInstalledAndWhy() throws Exception {
        Files.move(tools.resolve("mvn"), folder.resolve("mvn"));
        Files.delete(tools.resolve("id"));
        script(tools.resolve("id"), "echo 0");
        imitateApt("cp " + folder.resolve("mvn") + " " + tools);
        Run run = run("generate");
        assertThat(run.code()).isZero();
        assertThat(run.error().lines().findFirst().orElseThrow())
                .startsWith("coolsd: missing: maven (builds the Java code)")
                .contains("Installing with apt-get, as this is root; it takes a minute or two");
        assertThat(run.out() + run.error()).doesNotContain("chatter");
        assertThat(folder.resolve("apt.calls")).content().contains("install -y -q --no-install-recommends maven");
    }

    @Test
    void anInstallationThatFailsShowsItsErrors() throws Exception {
        Files.delete(tools.resolve("mvn"));
        Files.delete(tools.resolve("id"));
        script(tools.resolve("id"), "echo 0");
        imitateApt("exit 100");
        Run run = run("generate");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error()).contains("E: chatter of errors", "coolsd: could not install maven, see ");
    }

    @Test
    void othersAreToldWhatToInstall() throws Exception {
        Files.delete(tools.resolve("mvn"));
        Files.delete(tools.resolve("id"));
        script(tools.resolve("id"), "echo 1000");
        imitateApt("exit 0");
        Run run = run("generate");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error())
                .startsWith("coolsd: missing: maven (builds the Java code).")
                .contains("sudo apt-get install --no-install-recommends maven");
        assertThat(run.error().lines()).hasSize(1);
        assertThat(folder.resolve("apt.calls")).doesNotExist();
    }

    /** With the real Java and the classes under test: a link in the root of a tree, called from elsewhere, home folder '?'. */
    @Test
    void anImageThroughALinkFromAFolderWithASpace() throws Exception {
        checkout("real home");
        Files.createSymbolicLink(home.resolve("models"), SCRIPT.resolveSibling("models"));
        script(
                tools.resolve("mvn"),
                """
                mkdir -p java/cli/target/classes java/cli/target/lib
                tr : '\\n' <<<"$CLASSES" | while read -r entry; do
                    if [ -d "$entry" ]; then
                        cp -r "$entry/." java/cli/target/classes
                    elif [ -n "$entry" ]; then
                        ln -sf "$entry" java/cli/target/lib
                    fi
                done
                """);
        Path link = Files.createSymbolicLink(folder.resolve("link"), home.resolve("coolsd"));
        Path work = Files.createDirectory(folder.resolve("work"));
        Run run = run(
                work,
                Map.of(
                        "CLASSES", System.getProperty("java.class.path"),
                        "JAVA_HOME", System.getProperty("java.home"),
                        "CDPATH", folder.toString(),
                        "COOLSD_JAVA_OPTIONS", "-Duser.home=?"),
                link.toString(),
                "generate",
                "--count=1");
        Path log = home.resolve("java/cli/target/build.log");
        assertThat(run.code()).as(run.error() + Files.readString(log)).isZero();
        assertThat(run.error().lines()).as("building, and nothing else").hasSize(1);
        try (var files = Files.list(work)) {
            assertThat(files).containsExactly(work.resolve("images.png"));
        }
        assertThat(home.resolve("java/cli/target/javacpp")).isNotEmptyDirectory();
    }
}
