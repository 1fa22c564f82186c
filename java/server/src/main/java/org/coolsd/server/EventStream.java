package org.coolsd.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** An answer of server-sent events: of each its name, which its data repeats as the type, and data of one line of JSON. */
final class EventStream {
    /** A proxy closes a connection that is silent for a minute or so. */
    private static final long BEAT_NANOS = 10_000_000_000L;

    private final OutputStream out;
    private long last = System.nanoTime();

    EventStream(HttpServletResponse response) throws ClientGoneException {
        response.setContentType("text/event-stream");
        response.setCharacterEncoding("UTF-8");
        response.setHeader("Cache-Control", "no-cache");
        response.setHeader("X-Accel-Buffering", "no");
        // A stream that ended early must not be taken for a whole one, nor its connection be used again.
        response.setHeader("Connection", "close");
        try {
            out = response.getOutputStream();
            out.flush();
        } catch (IOException e) {
            throw new ClientGoneException(e);
        }
    }

    void send(String type, ObjectNode data) throws ClientGoneException {
        data.put("type", type);
        write("event: " + type + "\ndata: " + data + "\n\n");
    }

    /** A comment, where nothing was sent for a while. */
    void beat() throws ClientGoneException {
        if (System.nanoTime() - last >= BEAT_NANOS) {
            write(": waiting\n\n");
        }
    }

    /** Ends the stream, of which everything has been sent when this returns. */
    void close() throws ClientGoneException {
        try {
            out.close();
        } catch (IOException e) {
            throw new ClientGoneException(e);
        }
    }

    private void write(String text) throws ClientGoneException {
        try {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
            last = System.nanoTime();
        } catch (IOException e) {
            throw new ClientGoneException(e);
        }
    }
}
