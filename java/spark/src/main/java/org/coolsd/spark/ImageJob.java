package org.coolsd.spark;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.command.DecodingOptions;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.libtorch.Precision;
import org.jspecify.annotations.Nullable;

/**
 * What all images of a job have in common. Each image depends on this and on its request alone, so that partitions, retries
 * and speculation of Spark change none of its bytes; they are those of {@code coolsd generate} with the same options.
 *
 * @param model the folder of the models, at the same path on every machine
 * @param precision of matrix products; null for the fastest of each machine, which is the same on machines of one kind
 * @param options of decoding by the names of {@code coolsd generate}, without dashes: schedule, delta, drafter, guidance and
 *     so on; a request may have others
 */
public record ImageJob(String model, @Nullable Precision precision, Map<String, String> options)
        implements Serializable {
    /** The option that all requests share, as it says which models are loaded. */
    static final String DRAFTER = "drafter";

    /** Checks nothing yet but that nothing is missing. */
    public ImageJob {
        Objects.requireNonNull(model, "model");
        options = Map.copyOf(options);
    }

    /** Of the models in {@code model}, as {@code coolsd generate} decodes unless told otherwise. */
    public static ImageJob of(Path model) {
        return new ImageJob(model.toAbsolutePath().normalize().toString(), null, Map.of());
    }

    /** With another precision. */
    public ImageJob precision(@Nullable Precision value) {
        return new ImageJob(model, value, options);
    }

    /** With other options. */
    public ImageJob options(Map<String, String> value) {
        return new ImageJob(model, precision, value);
    }

    /**
     * The images of {@code requests}, made when Spark asks for them, one at a time in each task.
     *
     * @param requests with the columns that {@link Columns} says; others stay beside the images
     * @return the columns of the requests and those of the images. A request that cannot be met has null in these, and in
     *     error why, in one line; the others are made. A model that cannot be loaded fails the job
     * @throws IllegalArgumentException in one line, if a column is missing or there is one of that name already
     */
    public Dataset<Row> images(Dataset<Row> requests) {
        Columns columns = Columns.of(requests.schema());
        return requests.mapPartitions(new PartitionImages(this, columns), Encoders.row(columns.images()));
    }

    /**
     * The models in the folder, not loaded, with the drafts that the options say.
     *
     * @throws CheckpointException in one line, if the folder has not what the options need
     * @throws IllegalArgumentException in one line, if an option is none
     */
    ImageFolder folder() throws IOException {
        DecodingOptions.of(options);
        ImageFolder folder = ImageFolder.open(Path.of(model));
        return drafter() == null ? folder : folder.with(Drafts.of(drafter()));
    }

    /** Where drafts come from, or null if the model says so. */
    @Nullable
    String drafter() {
        return options.get(DRAFTER);
    }
}
