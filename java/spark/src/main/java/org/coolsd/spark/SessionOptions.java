package org.coolsd.spark;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;

/** The options that say which cluster makes the images, and with which settings of Spark's. */
final class SessionOptions {
    @Option(
            names = "--master",
            paramLabel = "URL",
            description =
                    "local[N] for N cores of this machine, spark://HOST:PORT for a cluster (default: what spark-submit"
                            + " says, else all cores of this machine)")
    private String master;

    @Option(
            names = "--conf",
            paramLabel = "KEY=VALUE",
            description = "a setting of Spark's, such as spark.executor.memory=4g; may be given several times")
    private Map<String, String> settings = new LinkedHashMap<>();

    /** Opens the session, to be closed. */
    SparkSession open() throws IOException {
        return SparkSession.builder().config(configuration()).getOrCreate();
    }

    /** Spark's settings: the user's, and for the rest what images need. */
    private SparkConf configuration() throws IOException {
        SparkConf conf = new SparkConf();
        settings.forEach(conf::set);
        if (master != null) {
            conf.setMaster(master);
        }
        conf.setIfMissing("spark.master", "local[*]")
                .setIfMissing("spark.app.name", "coolsd spark-generate")
                .setIfMissing("spark.ui.enabled", "false")
                .setIfMissing("spark.ui.showConsoleProgress", Boolean.toString(System.console() != null))
                .setIfMissing("spark.executorEnv.OMP_NUM_THREADS", "1")
                .setIfMissing("spark.executorEnv.TORCH_CPP_LOG_LEVEL", "ERROR");
        if (conf.get("spark.master").startsWith("local")) {
            conf.setIfMissing("spark.driver.host", "127.0.0.1").setIfMissing("spark.driver.bindAddress", "127.0.0.1");
        } else if (!conf.contains("spark.executor.extraClassPath")) {
            conf.setIfMissing("spark.jars", String.join(",", jars()));
        }
        return conf;
    }

    /** What a cluster lacks: this jar and those in lib beside it, where the launcher's build has them. */
    private static List<String> jars() throws IOException {
        List<String> jars = new ArrayList<>();
        try {
            Path own = Path.of(SessionOptions.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            Path lib = own.resolveSibling("lib");
            if (Files.isRegularFile(own) && Files.isDirectory(lib)) {
                jars.add(own.toString());
                try (Stream<Path> all = Files.list(lib)) {
                    all.map(Path::toString).sorted().forEach(jars::add);
                }
            }
            return jars;
        } catch (URISyntaxException e) {
            throw new IOException(e.getMessage(), e);
        }
    }
}
