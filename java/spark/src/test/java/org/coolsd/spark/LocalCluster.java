package org.coolsd.spark;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/**
 * A master and workers of Spark's own, as processes on 127.0.0.1 at ports that are free, each worker with one core and 1 GB. All
 * of them end with this process; an executor ends with its worker.
 */
final class LocalCluster implements AutoCloseable {
    /** What images cost is native code: to compile Spark's Java well takes longer than it saves in so short a life. */
    private static final String SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

    private final Path folder;
    private final Process master;
    private final String url;
    private final List<Process> workers = new ArrayList<>();

    private LocalCluster(Path folder) throws IOException {
        this.folder = folder;
        // Spark looks for jars in its home; here all of them are on the class path.
        Files.createDirectories(folder.resolve("home/jars"));
        master = start("master", Redirect.PIPE, "master");
        BufferedReader out = master.inputReader();
        url = "spark://127.0.0.1:" + out.readLine();
    }

    /** Starts a master and {@code workers} workers; logs and the workers' files are in {@code folder}. */
    static LocalCluster start(Path folder, int workers) throws IOException {
        LocalCluster cluster = new LocalCluster(folder);
        for (int i = 0; i < workers; i++) {
            Path work = folder.resolve("worker-" + i);
            cluster.workers.add(cluster.start("worker-" + i, Redirect.DISCARD, "worker", cluster.url, work.toString()));
        }
        return cluster;
    }

    private Process start(String name, Redirect out, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@" + Path.of("jvm.options").toAbsolutePath(),
                "-Xmx256m"));
        command.addAll(List.of(SHORT_LIVED.split(" ")));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), ClusterNode.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectOutput(out)
                .redirectError(folder.resolve(name + ".log").toFile());
        builder.environment().put("SPARK_HOME", folder.resolve("home").toString());
        builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
        builder.environment().put("SPARK_SCALA_VERSION", "2.13");
        return builder.start();
    }

    /** A session whose job begins when there are {@code executors}, one on each worker. */
    SparkSession session(int executors) {
        SparkConf conf = new SparkConf()
                .setMaster(url)
                .setAppName("coolsd")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1")
                .set("spark.ui.enabled", "false")
                .set("spark.local.dir", folder.resolve("local").toString())
                .set("spark.cores.max", Integer.toString(executors))
                .set("spark.scheduler.minRegisteredResourcesRatio", "1.0")
                .set("spark.scheduler.maxRegisteredResourcesWaitingTime", "120s")
                .set("spark.executor.memory", "512m")
                .set("spark.executor.extraJavaOptions", SHORT_LIVED)
                .set("spark.executor.extraClassPath", classPath())
                .set("spark.executorEnv.OMP_NUM_THREADS", "1")
                .set("spark.executorEnv.TORCH_CPP_LOG_LEVEL", "ERROR");
        return SparkSession.builder().config(conf).getOrCreate();
    }

    private static String classPath() {
        StringBuilder absolute = new StringBuilder();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            absolute.append(absolute.length() == 0 ? "" : File.pathSeparator)
                    .append(Path.of(entry).toAbsolutePath());
        }
        return absolute.toString();
    }

    /** Kills a worker, and with it its executor, in the middle of whatever they do. */
    void kill(int worker) {
        List<ProcessHandle> executors = workers.get(worker).descendants().toList();
        workers.get(worker).destroyForcibly();
        executors.forEach(ProcessHandle::destroyForcibly);
    }

    /** Everything that runs for this cluster. */
    List<ProcessHandle> processes() {
        List<ProcessHandle> all = new ArrayList<>();
        for (Process process : all()) {
            all.add(process.toHandle());
            process.descendants().forEach(all::add);
        }
        return all;
    }

    private List<Process> all() {
        List<Process> all = new ArrayList<>(workers);
        all.add(master);
        return all;
    }

    /** Ends the processes, and waits for them. */
    @Override
    public void close() throws IOException {
        for (Process process : all()) {
            process.getOutputStream().close();
        }
        for (Process process : all()) {
            try {
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }
}
