package org.coolsd.spark;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.coolsd.libtorch.Precision;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Images of requests in a session of this JVM, with two tasks side by side. */
class ImageJobTest {
    private static final ImageJob JOB = ImageJob.of(OneMachine.FASHION);

    private static SparkSession spark;

    @BeforeAll
    static void open() {
        spark = SparkSession.builder()
                .master("local[2]")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.ui.enabled", "false")
                .getOrCreate();
    }

    @AfterAll
    static void close() throws Exception {
        spark.close();
    }

    private static Dataset<Row> requests(Row... rows) {
        return spark.createDataFrame(List.of(rows), Columns.REQUESTS).repartition(2);
    }

    /** By seed. */
    private static List<Row> made(ImageJob job, Dataset<Row> requests) {
        List<Row> rows = new ArrayList<>(job.images(requests).collectAsList());
        rows.sort((a, b) -> Long.compare(a.<Long>getAs(Columns.SEED), b.getAs(Columns.SEED)));
        return rows;
    }

    private static Row request(String label, String prompt, Long seed, Map<String, String> options) {
        return RowFactory.create(label, prompt, seed, options);
    }

    private static List<Row> inPartitions(int partitions) {
        return made(
                JOB,
                spark.range(0, 6, 1, partitions)
                        .select(
                                col("id").as("mine"),
                                col("id").mod(10).cast("int").as(Columns.CLASS),
                                col("id").as(Columns.SEED)));
    }

    @Test
    void partitionsChangeNoImage() throws Exception {
        List<OneMachine.Made> alone = OneMachine.images(6);
        for (int partitions : new int[] {1, 4}) {
            List<Row> rows = inPartitions(partitions);
            assertThat(rows).hasSize(6);
            for (int i = 0; i < 6; i++) {
                assertThat(rows.get(i).<byte[]>getAs(Columns.PNG))
                        .as("image " + i + " in " + partitions + " partitions")
                        .isEqualTo(alone.get(i).png());
                assertThat(rows.get(i).<Long>getAs("mine")).isEqualTo(i);
            }
        }
    }

    @Test
    void aRequestHasOptionsOfItsOwn() {
        ImageJob job = JOB.options(Map.of("schedule", "uniform", "delta", "1.3"));
        List<Row> rows = made(
                job,
                requests(
                        request("Trouser", null, 1L, null),
                        request("trouser", null, 2L, Map.of("schedule", "target")),
                        request("1", null, 3L, Map.of("schedule", "lossless", "draft-length", "3")),
                        request("1", null, 4L, Map.of("temperature", "0"))));
        assertThat(rows).allMatch(row -> row.isNullAt(row.fieldIndex(Columns.ERROR)));
        assertThat(rows.get(0).<Double>getAs(Columns.DRIFT)).isPositive();
        assertThat(rows.get(1).<Double>getAs(Columns.ACCEPTED_LENGTH)).isEqualTo(1);
        assertThat(rows.get(1).<Integer>getAs(Columns.STEPS))
                .isEqualTo(rows.get(1)
                        .getList(rows.get(1).fieldIndex(Columns.TOKENS))
                        .size());
        assertThat(rows.get(2).<Double>getAs(Columns.DRIFT)).isZero();
        assertThat(rows.get(2).<Double>getAs(Columns.ACCEPTED_LENGTH)).isBetween(1.01, 4.0);
        Row greedy = made(job, requests(request("1", null, 5L, Map.of("temperature", "0"))))
                .get(0);
        assertThat(greedy.<byte[]>getAs(Columns.PNG))
                .as("without chance the seed changes nothing")
                .isEqualTo(rows.get(3).<byte[]>getAs(Columns.PNG));
    }

    @Test
    void aRequestThatCannotBeMetSaysWhyAndTheOthersAreMade() {
        List<Row> rows = made(
                JOB,
                requests(
                        request("Sneaker", null, 0L, null),
                        request("spoon", null, 1L, null),
                        request("10", null, 2L, null),
                        request(null, null, 3L, null),
                        request("1", "a cat", 4L, null),
                        request(null, "a cat", 5L, null),
                        request("1", null, 6L, Map.of("shedule", "lossless")),
                        request("1", null, 7L, Map.of("schedule", "lossy")),
                        request("1", null, 8L, Map.of("delta", "-1")),
                        request("1", null, 9L, Map.of("draft-length", "65")),
                        request("1", null, 10L, Map.of("drafter", "jacobi")),
                        request("1", null, 11L, null)));
        List<String> errors =
                rows.stream().map(row -> row.<String>getAs(Columns.ERROR)).toList();
        String[] words = {
            null,
            "class is 'spoon', it must be 0..9 or one of T-shirt",
            "class is '10'",
            "neither a class nor a prompt",
            "both a class and a prompt",
            "class",
            "--shedule",
            "lossy",
            "-1",
            "65",
            "drafter is jacobi, it is an option of the job",
            null
        };
        for (int i = 0; i < words.length; i++) {
            if (words[i] == null) {
                assertThat(errors.get(i)).isNull();
                assertThat(rows.get(i).<byte[]>getAs(Columns.PNG)).startsWith(0x89, 'P', 'N', 'G');
            } else {
                assertThat(errors.get(i)).as("request " + i).contains(words[i]).doesNotContain("\n");
                assertThat(rows.get(i).<Object>getAs(Columns.PNG)).isNull();
            }
        }
        Row none = JOB.images(requests(request("1", null, null, null))).first();
        assertThat(none.<String>getAs(Columns.ERROR)).isEqualTo("seed is null, it must be a whole number of 64 bits");
    }

    @Test
    void columnsThatAreMissingOrTakenAreNamed() {
        Dataset<Row> requests = requests(request("1", null, 1L, null));
        refused(requests.drop(Columns.SEED), "no column seed; they have class, prompt, options");
        refused(requests.drop(Columns.CLASS, Columns.PROMPT), "neither a column class nor a column prompt");
        refused(requests.withColumn(Columns.PNG, lit(1)), "a column png already");
        refused(requests.withColumn(Columns.OPTIONS, lit("x")), "options is no map of strings to strings");
    }

    private static void refused(Dataset<Row> requests, String words) {
        assertThatThrownBy(() -> JOB.images(requests))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(words);
    }

    @Test
    void aModelThatCannotBeLoadedFailsTheJob() {
        Dataset<Row> images = ImageJob.of(Path.of("nowhere")).images(requests(request("1", null, 1L, null)));
        assertThatThrownBy(images::collectAsList).hasStackTraceContaining("nowhere");
    }

    @Test
    void aJvmLoadsTheModelsOnce() throws Exception {
        ExecutorModel first = ExecutorModel.acquire(JOB);
        ExecutorModel second =
                ExecutorModel.acquire(ImageJob.of(OneMachine.FASHION).options(Map.of("delta", "2")));
        ExecutorModel other = ExecutorModel.acquire(JOB.precision(Precision.F32));
        assertThat(second).isSameAs(first);
        assertThat(other).isNotSameAs(first);
        first.release();
        second.release();
        other.release();
        ExecutorModel.acquire(JOB.precision(Precision.BF16)).release();
        ExecutorModel again = ExecutorModel.acquire(JOB);
        assertThat(again).as("freed when others were needed and none used it").isNotSameAs(first);
        again.release();
    }

    @Test
    void columnsAreThoseOfTheRequestsAndOfTheImages() {
        assertThat(Arrays.asList(
                        JOB.images(requests(request("1", null, 1L, null))).columns()))
                .containsExactly(
                        "class",
                        "prompt",
                        "seed",
                        "options",
                        "png",
                        "tokens",
                        "steps",
                        "accepted_length",
                        "drift",
                        "error");
        assertThat(Columns.REQUESTS.apply(Columns.SEED).dataType()).isEqualTo(DataTypes.LongType);
    }
}
