package org.coolsd.server;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import org.coolsd.Sampling;
import org.coolsd.images.Decoding;
import org.coolsd.images.ScheduleName;
import org.coolsd.images.Verification;
import org.coolsd.models.PixelSize;

/** Reads bodies of POST /v1/images/generations: OpenAI's parameters, and those that this server has beside them. */
final class RequestReader {
    /** A number that is none of the asked kind, or a name twice, is an error and not a guess. */
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final int LONGEST_PROMPT = 4000;
    private static final int MOST_PARTIALS = 100;
    private static final double LARGEST = 1000;

    /** OpenAI's parameters that have one value here. */
    private static final List<String> FIXED = List.of("background", "moderation", "output_format", "quality", "style");

    private static final Set<String> KNOWN = new TreeSet<>(List.of(
            "prompt",
            "model",
            "n",
            "size",
            "response_format",
            "stream",
            "partial_images",
            "user",
            "seed",
            "schedule",
            "delta",
            "drift_budget",
            "most_factor",
            "draft_length",
            "adaptive",
            "verification",
            "guidance",
            "temperature",
            "top_k",
            "top_p",
            "steps"));

    private final String model;
    private final ServerOptions options;
    private final Sampling sampling;

    /**
     * @param model the name of the model that there is
     * @param sampling of requests that say nothing of it
     */
    RequestReader(String model, ServerOptions options, Sampling sampling) {
        this.model = model;
        this.options = options;
        this.sampling = sampling;
    }

    /**
     * The request in {@code body}.
     *
     * @throws ApiError in one line, with the value and what it must be
     */
    ImageRequest read(byte[] body) throws ApiError {
        JsonNode json = parse(body);
        requireKnown(json);
        requireFixed(json);
        Parameters asked = new Parameters(json);
        String named = asked.text("model", model);
        if (!named.equals(model)) {
            throw ApiError.model(shortened(named), model);
        }
        String format = asked.text("response_format", "b64_json");
        if (!format.equals("b64_json")) {
            throw ApiError.value(
                    "response_format",
                    "response_format is '" + shortened(format) + "', this server answers with b64_json only");
        }
        asked.text("user", "");
        boolean stream = asked.flag("stream");
        int partials = (int) asked.integer("partial_images", 0, 0, MOST_PARTIALS);
        boolean steps = asked.flag("steps");
        if (!stream && (partials > 0 || steps)) {
            String what = steps ? "steps" : "partial_images";
            throw ApiError.value(what, what + " is for streams: send \"stream\": true with it");
        }
        PixelSize size = size(asked.text("size", "auto"));
        int count = (int) asked.integer("n", 1, 1, options.mostImages());
        // Whatever the seed, image i has seed + i.
        long seed =
                asked.integer("seed", ThreadLocalRandom.current().nextLong(1L << 53), Long.MIN_VALUE, Long.MAX_VALUE);
        return new ImageRequest(
                prompt(asked),
                size.width(),
                size.height(),
                count,
                seed,
                decoding(asked),
                sampling(asked),
                stream,
                partials,
                steps);
    }

    private static JsonNode parse(byte[] body) throws ApiError {
        JsonNode json;
        try {
            json = JSON.readTree(body);
        } catch (JsonProcessingException e) {
            throw ApiError.body(400, "invalid_json", "the body is no JSON: " + firstLine(e.getOriginalMessage()));
        } catch (IOException e) {
            throw ApiError.body(
                    400, "invalid_json", "the body is no JSON: " + firstLine(String.valueOf(e.getMessage())));
        }
        if (json == null || !json.isObject()) {
            throw ApiError.body(400, "invalid_json", "the body is no JSON object");
        }
        return json;
    }

    private static void requireKnown(JsonNode json) throws ApiError {
        for (Iterator<String> names = json.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!KNOWN.contains(name) && !FIXED.contains(name)) {
                throw ApiError.unknown(shortened(name), String.join(", ", KNOWN));
            }
        }
    }

    /** A value that would be left out in silence is refused. */
    private static void requireFixed(JsonNode json) throws ApiError {
        for (String name : FIXED) {
            JsonNode value = json.path(name);
            String only = name.equals("output_format") ? "png" : "auto";
            if (!value.isMissingNode() && !value.isNull() && !value.asText().equals(only)) {
                throw ApiError.value(
                        name,
                        name + " is " + shortened(value.toString())
                                + ", this server has one way: leave it out, or say '" + only + "'");
            }
        }
    }

    private static String prompt(Parameters asked) throws ApiError {
        String prompt = asked.text("prompt", "");
        if (prompt.isBlank() || prompt.length() > LONGEST_PROMPT) {
            throw ApiError.value(
                    "prompt",
                    "the prompt has " + prompt.strip().length() + " characters, it must have 1.." + LONGEST_PROMPT);
        }
        return prompt;
    }

    private static PixelSize size(String size) throws ApiError {
        if (size.equals("auto")) {
            return PixelSize.OF_MODEL;
        }
        return PixelSize.of(size)
                .orElseThrow(() ->
                        ApiError.value("size", "size is '" + shortened(size) + "', it must be WxH in pixels, or auto"));
    }

    private Decoding decoding(Parameters asked) throws ApiError {
        Decoding standard = Decoding.standard();
        int length = Math.min(standard.draftLength(), options.longestDraft());
        Decoding decoding = standard.draftLength((int) asked.integer("draft_length", length, 0, options.longestDraft()))
                .delta(asked.number("delta", standard.delta(), 0, LARGEST));
        if (asked.has("schedule")) {
            decoding = decoding.schedule(named("schedule", asked, ScheduleName::of));
        }
        if (asked.has("verification")) {
            decoding = decoding.verification(named("verification", asked, Verification::of));
        }
        if (asked.has("drift_budget")) {
            if (asked.has("schedule") && decoding.schedule() != ScheduleName.BUDGET) {
                throw ApiError.value("schedule", "drift_budget chooses the factors itself: leave out schedule");
            }
            decoding = decoding.driftBudget(asked.number("drift_budget", 0, 0, 1e6));
        }
        if (asked.has("most_factor")) {
            decoding = decoding.mostFactor(asked.number("most_factor", 1, 1, 1e6));
        }
        if (decoding.driftBudget().isEmpty()
                && (decoding.schedule() == ScheduleName.BUDGET
                        || decoding.mostFactor().isPresent())) {
            throw ApiError.value("drift_budget", "drift_budget is missing: it says how much an image may drift");
        }
        return asked.has("adaptive") ? decoding.reach(asked.number("adaptive", 0, 0, 1)) : decoding;
    }

    private interface Names<T> {
        T of(String name);
    }

    private static <T> T named(String param, Parameters asked, Names<T> names) throws ApiError {
        try {
            return names.of(shortened(asked.text(param, "")));
        } catch (IllegalArgumentException e) {
            throw ApiError.value(param, String.valueOf(e.getMessage()));
        }
    }

    private Sampling sampling(Parameters asked) throws ApiError {
        return sampling.temperature((float) asked.number("temperature", sampling.temperature(), 0, 100))
                .guidance((float) asked.number("guidance", sampling.guidance(), 0, 100))
                .topK((int) asked.integer("top_k", sampling.topK(), 0, Integer.MAX_VALUE))
                .topP((float) asked.number("top_p", sampling.topP(), 1e-6, 1));
    }

    /** What somebody sent, in one line that is not long. */
    static String shortened(String text) {
        String line = firstLine(text);
        return line.length() <= 100 ? line : line.substring(0, 100) + "...";
    }

    private static String firstLine(String text) {
        return text.codePoints()
                .map(c -> Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? ' ' : c)
                .limit(300)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    /** Values by name; null counts as absent, as OpenAI's clients have it. */
    private record Parameters(JsonNode json) {
        boolean has(String name) {
            return json.hasNonNull(name);
        }

        String text(String name, String otherwise) throws ApiError {
            if (!has(name)) {
                return otherwise;
            }
            JsonNode value = json.get(name);
            if (!value.isTextual()) {
                throw ApiError.value(name, name + " is " + shortened(value.toString()) + ", it must be a string");
            }
            return value.textValue();
        }

        boolean flag(String name) throws ApiError {
            if (!has(name)) {
                return false;
            }
            JsonNode value = json.get(name);
            if (!value.isBoolean()) {
                throw ApiError.value(name, name + " is " + shortened(value.toString()) + ", it must be true or false");
            }
            return value.booleanValue();
        }

        long integer(String name, long otherwise, long least, long most) throws ApiError {
            if (!has(name)) {
                return otherwise;
            }
            JsonNode value = json.get(name);
            if (!value.isIntegralNumber()
                    || !value.canConvertToLong()
                    || value.longValue() < least
                    || value.longValue() > most) {
                throw ApiError.value(
                        name,
                        name + " is " + shortened(value.toString()) + ", it must be an integer of " + least + ".."
                                + most);
            }
            return value.longValue();
        }

        double number(String name, double otherwise, double least, double most) throws ApiError {
            if (!has(name)) {
                return otherwise;
            }
            JsonNode value = json.get(name);
            double number = value.isNumber() ? value.doubleValue() : Double.NaN;
            if (!(number >= least && number <= most)) {
                throw ApiError.value(
                        name, name + " is " + shortened(value.toString()) + ", it must be " + least + ".." + most);
            }
            return number;
        }
    }
}
