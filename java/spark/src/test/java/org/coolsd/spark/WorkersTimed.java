package org.coolsd.spark;

import static org.apache.spark.sql.functions.col;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Prints how long the images take one worker and two, in turn; docs/spark.md says how it is run. */
final class WorkersTimed {
    private static final int ROUNDS = 3;

    private WorkersTimed() {}

    /** The number of images, and a folder for the clusters' files. */
    public static void main(String[] args) throws IOException {
        int images = Integer.parseInt(args[0]);
        double[] seconds = new double[3];
        for (int round = 0; round < ROUNDS; round++) {
            for (int workers = 1; workers <= 2; workers++) {
                double one = seconds(Path.of(args[1]), workers, images);
                seconds[workers] += one;
                System.out.printf(Locale.ROOT, "%d worker%s: %.1f s%n", workers, workers == 1 ? "" : "s", one);
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%d images: one worker %.1f s, two %.1f s, which is %.2f times as fast, on %d processors%n",
                images,
                seconds[1] / ROUNDS,
                seconds[2] / ROUNDS,
                seconds[1] / seconds[2],
                Runtime.getRuntime().availableProcessors());
        System.exit(0);
    }

    private static double seconds(Path folder, int workers, int images) throws IOException {
        Path own = Files.createTempDirectory(Files.createDirectories(folder), "cluster");
        try (LocalCluster cluster = LocalCluster.start(own, workers);
                SparkSession spark = cluster.session(workers)) {
            // The models are loaded, and Java has compiled what it runs most.
            make(spark, 40);
            long start = System.nanoTime();
            make(spark, images);
            return (System.nanoTime() - start) / 1e9;
        }
    }

    /** Makes images and drops them. */
    private static void make(SparkSession spark, int images) {
        Dataset<Row> requests = spark.range(0, images, 1, Math.max(2, images / 8))
                .select(
                        col("id").mod(10).cast("string").as(Columns.CLASS),
                        col("id").as(Columns.SEED));
        ImageJob.of(OneMachine.FASHION)
                .images(requests)
                .write()
                .format("noop")
                .mode("overwrite")
                .save();
    }
}
