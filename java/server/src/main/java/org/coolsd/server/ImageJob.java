package org.coolsd.server;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.coolsd.decode.Request;
import org.coolsd.decode.Ticket;
import org.jspecify.annotations.Nullable;

/**
 * The images of one HTTP request, on their way. Closing it cancels those that are not complete, whose slots are then free.
 *
 * @param <C> what a sequence is made from
 */
final class ImageJob<C> implements AutoCloseable {
    /** How often a request that waits looks whether its client is still there. */
    private static final long LOOK_MILLIS = 100;

    private final ImageRequest asked;
    private final List<Request<C>> requests;
    private final List<Ticket> tickets = new ArrayList<>();
    private final BlockingQueue<ImageEvent> events = new LinkedBlockingQueue<>();

    ImageJob(ImageRequest asked, List<Request<C>> requests) {
        this.asked = asked;
        this.requests = requests;
    }

    /** What was asked for. */
    ImageRequest asked() {
        return asked;
    }

    /** The decoder's request of an image. */
    Request<C> request(int image) {
        return requests.get(image);
    }

    /** Images of the job. */
    int count() {
        return requests.size();
    }

    /** Where its events come in. */
    BlockingQueue<ImageEvent> events() {
        return events;
    }

    void add(Ticket ticket) {
        tickets.add(ticket);
    }

    /**
     * The next event; null where none comes for a moment.
     *
     * @param deadline by System.nanoTime()
     * @throws ClientGoneException if nobody waits for the answer any more
     * @throws ApiError if the deadline has passed
     */
    @Nullable
    ImageEvent next(long deadline, Duration timeout, ClientConnection client)
            throws ApiError, ClientGoneException, InterruptedException {
        ImageEvent event = events.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        if (System.nanoTime() - deadline >= 0) {
            throw ApiError.late(timeout);
        }
        if (event == null && client.isGone()) {
            throw new ClientGoneException(null);
        }
        return event;
    }

    @Override
    public void close() {
        tickets.forEach(Ticket::cancel);
    }
}
