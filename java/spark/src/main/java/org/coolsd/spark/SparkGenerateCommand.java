package org.coolsd.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.coolsd.Sampling;
import org.coolsd.command.CommandRunner;
import org.coolsd.command.DecodingOptions;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Version;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.Precision;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coolsd spark-generate}: images by a cluster of Apache Spark, as Parquet or as PNG files. */
@Command(
        name = "spark-generate",
        description = "Makes images on a cluster of Apache Spark; each is what coolsd generate makes of its seed.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
public final class SparkGenerateCommand implements Callable<Integer> {
    /** How images are written. */
    enum Format {
        PARQUET,
        PNG;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "a new folder that all machines share (default: ${DEFAULT-VALUE})")
    private String output = "images";

    @Option(
            names = "--format",
            paramLabel = "parquet|png",
            description = "parquet has tokens, accepted length and drift too (default: ${DEFAULT-VALUE})")
    private Format format = Format.PARQUET;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "model folder, at the same path on all machines (default: ${DEFAULT-VALUE})")
    private Path model = ModelFolder.SHIPPED;

    @Option(
            names = "--precision",
            paramLabel = "P",
            description = "of matrix products: f16 (weights only), bf16 or f32 (default: the fastest of each machine)")
    private Precision precision;

    @Mixin
    private SessionOptions session;

    @Mixin
    private RequestOptions requests;

    @Mixin
    private DecodingOptions decoding;

    @Mixin
    private JsonOption json;

    SparkGenerateCommand() {}

    /** Runs the command and ends the process with its exit code. */
    public static void main(String[] args) {
        // For the launcher: spark-submit has read a configuration of its own by now.
        if (System.getProperty("log4j2.configurationFile") == null) {
            System.setProperty("log4j2.configurationFile", "classpath:org/coolsd/spark/silent.properties");
        }
        CommandRunner.launch(new SparkGenerateCommand(), args);
    }

    @Override
    public Integer call() throws Exception {
        ImageJob job = ImageJob.of(model).precision(precision).options(decoding.values());
        decoding.sampling(Sampling.of());
        ImageFolder folder = job.folder();
        Drafts drafts = decoding.drafts(folder.drafts(), false);
        decoding.decoder(drafts, 1);
        requests.check(folder);
        json.check();
        long start = System.nanoTime();
        try (SparkSession spark = session.open()) {
            Figures figures = generate(spark, job, folder);
            return report(figures, decoding.name(drafts), (System.nanoTime() - start) / 1e9);
        } catch (Exception e) {
            // Scala's exceptions are not declared.
            throw new IOException(root(e), e);
        }
    }

    private Figures generate(SparkSession spark, ImageJob job, ImageFolder folder) throws IOException {
        Configuration hadoop = spark.sparkContext().hadoopConfiguration();
        org.apache.hadoop.fs.Path place = new org.apache.hadoop.fs.Path(output);
        FileSystem files = place.getFileSystem(hadoop);
        if (files.exists(place)) {
            throw new IOException(output + " is there already; name a new folder with --output");
        }
        Dataset<Row> asked = requests.read(spark, folder);
        Dataset<Row> images = job.images(asked);
        if (format == Format.PNG) {
            requests.requireNames(asked);
            files.mkdirs(place);
            PngFiles written =
                    new PngFiles(files.makeQualified(place).toString(), new SerializableConfiguration(hadoop));
            return Figures.of(written.write(images).collectAsList().iterator());
        }
        images.write().parquet(output);
        String name = List.of(asked.columns()).contains(PngFiles.NAME) ? PngFiles.NAME : Columns.SEED;
        return Figures.of(spark.read()
                .parquet(output)
                .select(name, Columns.STEPS, Columns.ACCEPTED_LENGTH, Columns.DRIFT, Columns.ERROR)
                .toLocalIterator());
    }

    private int report(Figures figures, String schedule, double seconds) throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("output", output);
        all.put("images", figures.images());
        all.put("failed", figures.failed());
        all.put("schedule", schedule);
        all.put("seconds", seconds);
        all.put("acceptedLength", figures.acceptedLength());
        all.put("driftPerImage", figures.driftPerImage());
        json.write(all);
        System.out.printf(
                Locale.ROOT,
                "%s: %d image%s in %.1f s; accepted length %.2f (tokens per step), drift %.2f per image%n",
                output,
                figures.images(),
                figures.images() == 1 ? "" : "s",
                seconds,
                figures.acceptedLength(),
                figures.driftPerImage());
        if (figures.failed() > 0) {
            throw new IllegalStateException(figures.failed() + " of " + (figures.images() + figures.failed())
                    + " images could not be made, the others are in " + output + "; " + figures.firstFailure());
        }
        return 0;
    }

    /** What a job failed of, from behind what Spark says of its tasks. */
    private static String root(Throwable thrown) {
        Throwable e = thrown;
        while (e.getCause() != null) {
            e = e.getCause();
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
