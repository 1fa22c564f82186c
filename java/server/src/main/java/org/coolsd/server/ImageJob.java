package org.coolsd.server;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.coolsd.decode.Request;
import org.coolsd.decode.Ticket;

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
     * The next event; null after a moment without one.
     *
     * @param deadline by System.nanoTime()
     * @param timeoutSeconds what the deadline stands for
     * @throws ClientGoneException if nobody waits for the answer any more
     * @throws ApiError if the deadline has passed
     */
    ImageEvent next(long deadline, long timeoutSeconds, BooleanSupplier gone, Runnable idle)
            throws ApiError, ClientGoneException, InterruptedException {
        while (true) {
            ImageEvent event = events.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            if (event != null) {
                return event;
            }
            if (gone.getAsBoolean()) {
                throw new ClientGoneException(null);
            }
            if (System.nanoTime() - deadline >= 0) {
                throw ApiError.late(timeoutSeconds);
            }
            idle.run();
        }
    }

    @Override
    public void close() {
        tickets.forEach(Ticket::cancel);
    }
}
