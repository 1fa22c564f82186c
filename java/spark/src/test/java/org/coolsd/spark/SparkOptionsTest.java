package org.coolsd.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.Test;

/** The file jvm.options opens what this version of Spark says it needs, and no more. */
class SparkOptionsTest {
    @Test
    void theFileOpensWhatSparkNeeds() throws Exception {
        List<String> needed = Arrays.stream(JavaModuleOptions.defaultModuleOptionArray())
                .filter(option -> option.startsWith("--add-opens"))
                .toList();
        List<String> opened = Files.readAllLines(Path.of("jvm.options")).stream()
                .filter(option -> option.startsWith("--add-opens"))
                .toList();
        assertThat(needed).isNotEmpty();
        assertThat(opened).containsExactlyInAnyOrderElementsOf(needed);
    }
}
