package org.coolsd.spark;

import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Writes each image to a file of its own in a folder that all machines share, by Hadoop's file systems. A file appears whole or
 * not at all; two attempts at a task write the same bytes.
 *
 * @param folder where the files are written
 * @param hadoop of the session
 */
record PngFiles(String folder, SerializableConfiguration hadoop) implements MapFunction<Row, Row> {
    /** The column that names the files, without .png. */
    static final String NAME = "image";

    /** What is left of an image once its file is written. */
    static final StructType FIGURES = new StructType()
            .add(NAME, DataTypes.StringType)
            .add(Columns.STEPS, DataTypes.IntegerType)
            .add(Columns.ACCEPTED_LENGTH, DataTypes.DoubleType)
            .add(Columns.DRIFT, DataTypes.DoubleType)
            .add(Columns.ERROR, DataTypes.StringType);

    /** The figures of images whose files are written when Spark asks for them. */
    Dataset<Row> write(Dataset<Row> images) {
        return images.map(this, Encoders.row(FIGURES));
    }

    @Override
    public Row call(Row image) throws IOException {
        String name = image.getAs(NAME);
        String error = image.getAs(Columns.ERROR);
        if (error == null && (name == null || !name.matches("[\\w.-]{1,200}"))) {
            error = NAME + " is '" + name + "', as a file's name it must be letters, digits, dots, - and _";
        }
        if (error == null) {
            write(name, image.getAs(Columns.PNG));
        }
        return RowFactory.create(
                name,
                image.getAs(Columns.STEPS),
                image.getAs(Columns.ACCEPTED_LENGTH),
                image.getAs(Columns.DRIFT),
                error);
    }

    private void write(String name, byte[] png) throws IOException {
        Path file = new Path(folder, name + ".png");
        Path part = new Path(folder, "." + name + "." + TaskContext.get().taskAttemptId() + ".part");
        FileSystem files = file.getFileSystem(hadoop.value());
        files.setWriteChecksum(false);
        try (OutputStream out = files.create(part, true)) {
            out.write(png);
        } catch (IOException | RuntimeException e) {
            files.delete(part, false);
            throw e;
        }
        // Some file systems do not replace a file: then another attempt has written it.
        if (!files.rename(part, file)) {
            files.delete(part, false);
            if (!files.exists(file)) {
                throw new IOException(file + ": the file cannot be written");
            }
        }
    }
}
