package org.coolsd.server;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.BufferUtil;

/**
 * The connection of a request whose body has been read. Nothing is to be read from it before the answer, so that a read finds
 * nothing, or that the client has closed its side: then nobody waits for the answer.
 */
final class ClientConnection {
    private final EndPoint end;
    private final HttpServletResponse response;
    private final ByteBuffer next = BufferUtil.allocate(1);
    private boolean ahead;

    ClientConnection(HttpServletRequest request, HttpServletResponse response) {
        this.response = response;
        end = ServletContextRequest.getServletContextRequest(request)
                .getConnectionMetaData()
                .getConnection()
                .getEndPoint();
    }

    /** Whether the client has closed its side of the connection. */
    boolean isGone() {
        if (!end.isOpen() || end.isInputShutdown()) {
            return true;
        }
        if (ahead) {
            return false;
        }
        try {
            int read = end.fill(next);
            if (read > 0) {
                // Its next request, sent before this answer. HTTP lets a server close behind an answer: it is to be
                // sent again.
                ahead = true;
                response.setHeader("Connection", "close");
            }
            return read < 0;
        } catch (IOException e) {
            // The connection was reset.
            return true;
        }
    }
}
