package org.coolsd.spark;

import static org.apache.spark.sql.functions.col;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cluster of two workers, one of which is killed when a quarter of the tasks are done. docs/spark.md has the command for more
 * images.
 */
class TwoWorkersTest {
    private static final int IMAGES = Integer.getInteger("coolsd.spark.images", 40);
    private static final int TASKS = (IMAGES + 1) / 2;

    /** Kills a worker when a quarter of the tasks are done, and notes what Spark says of it. */
    private static final class Killer extends SparkListener {
        private final LocalCluster cluster;
        private int done;
        private volatile int doneBefore;
        private volatile String lost;

        Killer(LocalCluster cluster) {
            this.cluster = cluster;
        }

        @Override
        public void onTaskEnd(SparkListenerTaskEnd task) {
            if (task.taskInfo().successful() && ++done == TASKS / 4) {
                cluster.kill(0);
                doneBefore = done;
            }
        }

        @Override
        public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
            lost = removed.executorId();
        }
    }

    @Test
    void aWorkerThatIsKilledCostsNoImageAndChangesNone(@TempDir Path folder) throws Exception {
        List<ProcessHandle> processes;
        List<Row> rows;
        Killer killer;
        try (LocalCluster cluster = LocalCluster.start(folder, 2);
                SparkSession spark = cluster.session(2)) {
            killer = new Killer(cluster);
            spark.sparkContext().addSparkListener(killer);
            Dataset<Row> requests = spark.range(0, IMAGES, 1, TASKS)
                    .select(
                            col("id").mod(10).cast("string").as(Columns.CLASS),
                            col("id").as(Columns.SEED));
            String output = folder.resolve("images").toString();
            ImageJob.of(OneMachine.FASHION).images(requests).write().parquet(output);
            rows = spark.read().parquet(output).orderBy(Columns.SEED).collectAsList();
            processes = cluster.processes();
        }
        assertThat(killer.doneBefore).isBetween(1, TASKS - 1);
        assertThat(killer.lost).as("the executor that was lost").isNotNull();
        assertThat(rows).hasSize(IMAGES);
        List<OneMachine.Made> alone = OneMachine.images(IMAGES);
        for (int i = 0; i < IMAGES; i++) {
            Row row = rows.get(i);
            OneMachine.Made expected = alone.get(i);
            assertThat(row.<String>getAs(Columns.ERROR)).isNull();
            assertThat(row.<Long>getAs(Columns.SEED)).isEqualTo(i);
            assertThat(row.<byte[]>getAs(Columns.PNG)).as("image " + i).isEqualTo(expected.png());
            assertThat(row.getList(row.fieldIndex(Columns.TOKENS)).toArray())
                    .isEqualTo(java.util.Arrays.stream(expected.result().tokens())
                            .boxed()
                            .toArray());
            assertThat(row.<Double>getAs(Columns.ACCEPTED_LENGTH))
                    .isEqualTo(expected.result().acceptedLength());
            assertThat(row.<Double>getAs(Columns.DRIFT))
                    .isEqualTo(expected.result().drift());
        }
        for (ProcessHandle process : processes) {
            process.onExit().get(30, TimeUnit.SECONDS);
        }
    }
}
