package org.coolsd.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.GenericRowWithSchema;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.coolsd.decode.Result;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** The columns of requests, and those that images have beside them. */
public final class Columns implements Serializable {
    private static final long serialVersionUID = 1;

    /** The name of a class or its index, for models of classes; a request has this or a prompt. */
    public static final String CLASS = "class";

    /** What the image shows, in words, for models of text. */
    public static final String PROMPT = "prompt";

    /** The seed of the image, a whole number. */
    public static final String SEED = "seed";

    /** Optional: a map of strings to strings, which win over the options of the job. */
    public static final String OPTIONS = "options";

    /** The image as the bytes of a PNG file. */
    public static final String PNG = "png";

    /** The image's tokens, whole numbers. */
    public static final String TOKENS = "tokens";

    /** Passes of the target. */
    public static final String STEPS = "steps";

    /** Tokens a pass, forced ones apart. */
    public static final String ACCEPTED_LENGTH = "accepted_length";

    /** The image's drift: docs/operation.md. */
    public static final String DRIFT = "drift";

    /** Why there is no image, in one line; null where there is one. */
    public static final String ERROR = "error";

    /** As they are where no column is missing. */
    static final StructType REQUESTS = new StructType()
            .add(CLASS, DataTypes.StringType)
            .add(PROMPT, DataTypes.StringType)
            .add(SEED, DataTypes.LongType)
            .add(OPTIONS, DataTypes.createMapType(DataTypes.StringType, DataTypes.StringType));

    private static final StructType MADE = new StructType()
            .add(PNG, DataTypes.BinaryType)
            .add(TOKENS, DataTypes.createArrayType(DataTypes.IntegerType))
            .add(STEPS, DataTypes.IntegerType)
            .add(ACCEPTED_LENGTH, DataTypes.DoubleType)
            .add(DRIFT, DataTypes.DoubleType)
            .add(ERROR, DataTypes.StringType);

    private final StructType requests;

    private Columns(StructType requests) {
        this.requests = requests;
    }

    /** Of requests with this schema; {@link ImageJob#images} says what is refused. */
    static Columns of(StructType requests) {
        List<String> names = Arrays.asList(requests.fieldNames());
        require(names.contains(SEED), "the requests have no column " + SEED, names);
        require(
                names.contains(CLASS) || names.contains(PROMPT),
                "the requests have neither a column " + CLASS + " nor a column " + PROMPT,
                names);
        for (String made : MADE.fieldNames()) {
            require(!names.contains(made), "the requests have a column " + made + " already", names);
        }
        if (names.contains(OPTIONS)) {
            boolean map = requests.apply(OPTIONS).dataType() instanceof MapType type
                    && type.keyType().equals(DataTypes.StringType)
                    && type.valueType().equals(DataTypes.StringType);
            require(map, "the column " + OPTIONS + " is no map of strings to strings", names);
        }
        return new Columns(requests);
    }

    private static void require(boolean holds, String otherwise, List<String> names) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise + "; they have " + String.join(", ", names));
        }
    }

    /** The schema of the images. */
    StructType images() {
        StructType images = requests;
        for (StructField made : MADE.fields()) {
            images = images.add(made);
        }
        return images;
    }

    /** What a request shows, its class or its prompt, as text; null if the column is missing or null. */
    String text(Row request, String column) {
        int at = at(column);
        return at < 0 || request.isNullAt(at) ? null : request.get(at).toString();
    }

    /**
     * The seed of a request.
     *
     * @throws IllegalArgumentException in one line, if it is no whole number
     */
    static long seed(Row request) {
        Object seed = request.getAs(SEED);
        if (seed instanceof Long || seed instanceof Integer || seed instanceof Short || seed instanceof Byte) {
            return ((Number) seed).longValue();
        }
        throw new IllegalArgumentException("seed is " + seed + ", it must be a whole number of 64 bits");
    }

    /** The options of a request, none where the column is missing or null. */
    Map<String, String> options(Row request) {
        int at = at(OPTIONS);
        return at < 0 || request.isNullAt(at) ? Map.of() : request.getJavaMap(at);
    }

    private int at(String column) {
        return Arrays.asList(requests.fieldNames()).indexOf(column);
    }

    /** The row of an image that was made. */
    Row made(Row request, byte[] png, Result result) {
        List<Integer> list = Arrays.stream(result.tokens()).boxed().toList();
        Seq<Integer> tokens = CollectionConverters.asScala(list).toSeq();
        return beside(request, png, tokens, result.steps(), result.acceptedLength(), result.drift(), null);
    }

    /** The row of a request that could not be met. */
    Row failed(Row request, String why) {
        return beside(request, null, null, null, null, null, why);
    }

    /** With the schema: Spark may hand a row to what comes next as it is. */
    private Row beside(Row request, Object... made) {
        List<Object> values = new ArrayList<>(request.size() + made.length);
        for (int i = 0; i < request.size(); i++) {
            values.add(request.get(i));
        }
        values.addAll(Arrays.asList(made));
        return new GenericRowWithSchema(values.toArray(), images());
    }
}
