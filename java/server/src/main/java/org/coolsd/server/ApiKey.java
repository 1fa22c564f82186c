package org.coolsd.server;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/** The key that requests must bring; compared in a time that tells nothing of it. */
final class ApiKey {
    private static final String SCHEME = "Bearer ";

    private final byte[] digest;

    ApiKey(String key) {
        digest = digest(key);
    }

    /**
     * Checks a request's key.
     *
     * @param header its header Authorization, or null
     * @throws ApiError if it is another key, or none
     */
    void require(@Nullable String header) throws ApiError {
        boolean scheme = header != null && header.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
        String key = scheme ? header.substring(SCHEME.length()).strip() : "";
        // Of equal length whatever the keys' are.
        if (!MessageDigest.isEqual(digest, digest(key))) {
            throw ApiError.key();
        }
    }

    private static byte[] digest(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
