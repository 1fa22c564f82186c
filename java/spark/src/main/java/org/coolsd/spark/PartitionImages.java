package org.coolsd.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/** What a task of Spark does: the images of one partition, one after the other. */
record PartitionImages(ImageJob job, Columns columns) implements MapPartitionsFunction<Row, Row> {
    @Override
    public Iterator<Row> call(Iterator<Row> requests) throws IOException {
        TaskContext task = TaskContext.get();
        ExecutorModel model = ExecutorModel.acquire(job);
        ImageMaker<?> maker = ImageMaker.of(model, model.pipeline(), job, columns, task::isInterrupted);
        task.addTaskCompletionListener((TaskCompletionListener) ended -> {
            try {
                maker.close();
            } finally {
                model.release();
            }
        });
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return requests.hasNext();
            }

            @Override
            public Row next() {
                try {
                    return maker.make(requests.next());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }
}
