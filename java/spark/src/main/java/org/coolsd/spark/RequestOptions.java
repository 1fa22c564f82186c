package org.coolsd.spark;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.element_at;
import static org.apache.spark.sql.functions.format_string;
import static org.apache.spark.sql.functions.lit;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.coolsd.images.ImageFolder;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say which images are made: counted ones as {@code coolsd generate} makes them, or those of a file. */
final class RequestOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--count", paramLabel = "N", description = "images, at least 1 (default: ${DEFAULT-VALUE})")
    private long count = 16;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "image i has seed S + i: the same seed, the same image (default: ${DEFAULT-VALUE})")
    private long seed = 0;

    @Option(
            names = "--class",
            paramLabel = "NAME|INDEX",
            description = "for models of classes (default: all classes in turn)")
    private String label;

    @Option(names = "--prompt", paramLabel = "TEXT", description = "for models of text: what the images show")
    private String prompt;

    @Option(
            names = "--requests",
            paramLabel = "FILE",
            description =
                    "JSON lines, or Parquet where the name ends in .parquet, with a request a row: class or prompt, seed,"
                            + " optional options and image, the name of its file. In place of the four above")
    private String requests;

    @Option(
            names = "--images-per-task",
            paramLabel = "N",
            description = "images that are made again if a worker is lost, 1..10000 (default: ${DEFAULT-VALUE})")
    private int perTask = 8;

    /** A usage error if a value is out of range, or the class none of the folder's. */
    void check(ImageFolder folder) {
        require(count >= 1, "count is " + count + ", at least 1 is needed");
        require(perTask >= 1 && perTask <= 10_000, "images-per-task is " + perTask + ", it must be 1..10000");
        require(label == null || prompt == null, "--class and --prompt do not go together");
        if (requests != null) {
            List<String> counted = List.of("--count", "--seed", "--class", "--prompt");
            for (String option : counted) {
                require(
                        !command.commandLine().getParseResult().hasMatchedOption(option),
                        option + " does not go with --requests, whose rows say it");
            }
            return;
        }
        require(
                seed <= Long.MAX_VALUE - (count - 1),
                "seed is " + seed + ": with " + count + " images it leaves 64 bits");
        if (label != null) {
            try {
                folder.label(label);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(command.commandLine(), e.getMessage(), e);
            }
        }
        require(
                label != null || prompt != null || !folder.classes().isEmpty(),
                "this model has no names of classes: use --class or --prompt");
    }

    private void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new ParameterException(command.commandLine(), otherwise);
        }
    }

    /** The requests, in as many partitions as there are tasks. */
    Dataset<Row> read(SparkSession spark, ImageFolder folder) {
        if (requests == null) {
            return counted(spark, folder);
        }
        Dataset<Row> rows = requests.endsWith(".parquet")
                ? spark.read().parquet(requests)
                : spark.read()
                        .schema(Columns.REQUESTS.add(PngFiles.NAME, DataTypes.StringType))
                        .json(requests);
        return rows.repartition(tasks(rows.count()));
    }

    private int tasks(long images) {
        return (int) Math.max(1, Math.min(100_000, (images + perTask - 1) / perTask));
    }

    private Dataset<Row> counted(SparkSession spark, ImageFolder folder) {
        Column number = col("id");
        Column shown = lit(label);
        if (label == null && prompt == null) {
            Column[] names = folder.classes().stream().map(name -> lit(name)).toArray(Column[]::new);
            shown = element_at(array(names), number.mod(names.length).plus(1).cast("int"));
        }
        return spark.range(0, count, 1, tasks(count))
                .select(
                        format_string("%06d", number).as(PngFiles.NAME),
                        shown.cast("string").as(Columns.CLASS),
                        lit(prompt).cast("string").as(Columns.PROMPT),
                        number.plus(seed).as(Columns.SEED));
    }

    /**
     * Checks that each request has a file of its own.
     *
     * @throws IllegalArgumentException in one line, with a name that two have
     */
    void requireNames(Dataset<Row> rows) {
        if (requests == null) {
            return;
        }
        if (!Arrays.asList(rows.columns()).contains(PngFiles.NAME)) {
            throw new IllegalArgumentException(
                    requests + ": no column " + PngFiles.NAME + ", which names the files of --format png");
        }
        List<Row> twice = rows.filter(col(PngFiles.NAME).isNotNull())
                .groupBy(PngFiles.NAME)
                .count()
                .filter("count > 1")
                .limit(1)
                .collectAsList();
        if (!twice.isEmpty()) {
            throw new IllegalArgumentException(requests + ": " + PngFiles.NAME + " is '"
                    + twice.get(0).get(0) + "' in " + twice.get(0).get(1) + " rows; each needs a file of its own");
        }
    }
}
