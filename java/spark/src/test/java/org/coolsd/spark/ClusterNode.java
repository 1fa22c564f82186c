package org.coolsd.spark;

import java.io.IOException;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.master.Master;
import org.apache.spark.deploy.worker.Worker;

/** A master or a worker of Spark on 127.0.0.1, as a process that ends when the one that started it does, however that ends. */
final class ClusterNode {
    private ClusterNode() {}

    /** {@code master}, which prints its port, or {@code worker MASTER FOLDER}, of one core. */
    public static void main(String[] args) {
        Thread watch = new Thread(ClusterNode::endWithParent);
        watch.setDaemon(true);
        watch.start();
        if (args[0].equals("master")) {
            var master = Master.startRpcEnvAndEndpoint("127.0.0.1", 0, 0, new SparkConf());
            System.out.println(master._1().address().port());
            master._1().awaitTermination();
        } else {
            Worker.main(new String[] {
                "--host",
                "127.0.0.1",
                "--cores",
                "1",
                "--memory",
                "1g",
                "--webui-port",
                "0",
                "--work-dir",
                args[2],
                args[1]
            });
        }
    }

    /** The parent holds the other end of standard input, and the system closes it with the parent. */
    private static void endWithParent() {
        try {
            while (System.in.read() >= 0) {}
        } catch (IOException e) {
            // As good as its end.
        }
        Runtime.getRuntime().halt(0);
    }
}
