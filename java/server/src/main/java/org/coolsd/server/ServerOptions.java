package org.coolsd.server;

import java.time.Duration;
import java.util.Optional;

/**
 * How a server listens and what it takes on. Immutable; the methods that take an argument return a changed copy.
 *
 * @param host the address to listen on
 * @param port 0 for any free one
 * @param slots images decoded side by side, at least 1
 * @param threads of the decoder, at least 1
 * @param queue images that may wait for a slot, at least 0
 * @param mostImages of a request, at least 1
 * @param longestDraft the longest draft that a request may ask for, 0..64
 * @param bodyBytes of a request at most
 * @param timeout of a request, from its arrival to its last image
 * @param idle how long a connection may be silent while it is not waiting for images
 * @param apiKey what requests must bring; empty: nothing
 */
public record ServerOptions(
        String host,
        int port,
        int slots,
        int threads,
        int queue,
        int mostImages,
        int longestDraft,
        int bodyBytes,
        Duration timeout,
        Duration idle,
        Optional<String> apiKey) {
    /** Checks ranges. */
    public ServerOptions {
        require(port >= 0 && port <= 65_535, "port is " + port + ", it must be 0..65535");
        require(slots >= 1 && slots <= 256, "slots is " + slots + ", it must be 1..256");
        require(threads >= 1, "threads is " + threads + ", at least 1 is needed");
        require(queue >= 0 && queue <= 100_000, "queue is " + queue + ", it must be 0..100000");
        require(mostImages >= 1, "the most images of a request are " + mostImages + ", it must be at least 1");
        require(
                mostImages <= slots + queue,
                "a request may have " + mostImages + " images, slots and queue have room for " + (slots + queue));
        require(longestDraft >= 0 && longestDraft <= 64, "the draft length is " + longestDraft + ", it must be 0..64");
        require(bodyBytes >= 1, "the body has at most " + bodyBytes + " bytes, at least 1 is needed");
        require(!timeout.isNegative() && !timeout.isZero(), "the time-out is " + timeout + ", it must be above 0");
        apiKey.ifPresent(key -> require(
                !key.isBlank() && key.chars().allMatch(c -> c > ' ' && c < 127),
                "the API key is empty, or has characters other than ASCII's letters, digits and signs"));
    }

    /** On 127.0.0.1:8080, 8 images side by side and 64 waiting, 10 a request, without a key. */
    public static ServerOptions standard() {
        return new ServerOptions(
                "127.0.0.1",
                8080,
                8,
                1,
                64,
                10,
                8,
                65_536,
                Duration.ofMinutes(5),
                Duration.ofSeconds(30),
                Optional.empty());
    }

    /** On another address. */
    public ServerOptions listen(String address, int at) {
        return new ServerOptions(
                address, at, slots, threads, queue, mostImages, longestDraft, bodyBytes, timeout, idle, apiKey);
    }

    /** With another batch. */
    public ServerOptions batch(int images, int decoderThreads) {
        return new ServerOptions(
                host, port, images, decoderThreads, queue, mostImages, longestDraft, bodyBytes, timeout, idle, apiKey);
    }

    /** With other limits to what waits and to what a request asks for. */
    public ServerOptions limits(int waiting, int perRequest, int draft) {
        return new ServerOptions(
                host, port, slots, threads, waiting, perRequest, draft, bodyBytes, timeout, idle, apiKey);
    }

    /** With other times. */
    public ServerOptions times(Duration request, Duration silence) {
        return new ServerOptions(
                host, port, slots, threads, queue, mostImages, longestDraft, bodyBytes, request, silence, apiKey);
    }

    /** With a key that requests must bring. */
    public ServerOptions key(Optional<String> key) {
        return new ServerOptions(
                host, port, slots, threads, queue, mostImages, longestDraft, bodyBytes, timeout, idle, key);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
