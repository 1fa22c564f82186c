package org.coolsd.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A request that is not answered with an image, in the words and the format of OpenAI's errors. */
final class ApiError extends Exception {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String type;
    private final String code;
    private final @Nullable String param;
    private final int retryAfter;

    private ApiError(int status, String type, String code, @Nullable String param, int retryAfter, String message) {
        super(message);
        this.status = status;
        this.type = type;
        this.code = code;
        this.param = param;
        this.retryAfter = retryAfter;
    }

    private static ApiError request(int status, String code, @Nullable String param, String message) {
        return new ApiError(status, "invalid_request_error", code, param, 0, message);
    }

    /** The body is no JSON object, or too long, or of another content type. */
    static ApiError body(int status, String code, String message) {
        return request(status, code, null, message);
    }

    /** A parameter has a value that it cannot have. */
    static ApiError value(String param, String message) {
        return request(400, "invalid_value", param, message);
    }

    /** A parameter that this server does not know: a mistyped one would be left out in silence. */
    static ApiError unknown(String param, String known) {
        return request(400, "unknown_parameter", param, "Unknown parameter: '" + param + "'; known are " + known);
    }

    /** There is no such address. */
    static ApiError address(String path) {
        return request(404, "not_found", null, "there is nothing at " + path + "; see docs/serving.md");
    }

    /** The address has another method. */
    static ApiError method(String method, String path) {
        return request(405, "method_not_allowed", null, path + " has no method " + method);
    }

    static ApiError model(String asked, String own) {
        return request(404, "model_not_found", "model", "the model is '" + asked + "', this server has '" + own + "'");
    }

    static ApiError key() {
        return request(
                401, "invalid_api_key", null, "the API key is missing or wrong; send it as Authorization: Bearer KEY");
    }

    static ApiError full(int waiting, int retryAfter) {
        return new ApiError(
                429,
                "rate_limit_error",
                "queue_full",
                null,
                retryAfter,
                waiting + " images wait already, which is all that may; try again in " + retryAfter + " s");
    }

    /** More bodies are on their way than are read at once. */
    static ApiError busy() {
        return new ApiError(
                429, "rate_limit_error", "busy", null, 1, "too many requests are being read; try again in 1 s");
    }

    /** The decoder has stopped. */
    static ApiError broken() {
        return new ApiError(
                503, "server_error", "broken", null, 0, "the decoder has stopped, see the server's log; restart it");
    }

    static ApiError draining() {
        return new ApiError(
                503, "server_error", "draining", null, 1, "the server is about to end and takes no more requests");
    }

    static ApiError late(Duration timeout) {
        String seconds = String.format(Locale.ROOT, "%.1f", timeout.toMillis() / 1e3);
        return new ApiError(
                504, "server_error", "timeout", null, 0, "the images were not complete after " + seconds + " s");
    }

    /** The model, or the server itself, could not make an image. */
    static ApiError failed(String message) {
        return new ApiError(500, "server_error", "image_failed", null, 0, message);
    }

    /** HTTP's status. */
    int status() {
        return status;
    }

    /** Seconds after which it is worth trying again; 0 if that is not known. */
    int retryAfter() {
        return retryAfter;
    }

    /** The answer's body. */
    ObjectNode body() {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("error")
                .put("message", getMessage())
                .put("type", type)
                .put("param", param)
                .put("code", code);
        return body;
    }
}
