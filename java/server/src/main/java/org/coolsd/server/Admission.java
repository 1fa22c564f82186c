package org.coolsd.server;

/** How many images are inside, running or waiting, and whether more may come. */
final class Admission {
    private final int slots;
    private final int queue;
    private final ServerMeters meters;
    private int inside;
    private boolean draining;

    Admission(int slots, int queue, ServerMeters meters) {
        this.slots = slots;
        this.queue = queue;
        this.meters = meters;
    }

    /**
     * Lets in the images of one request, all or none.
     *
     * @throws ApiError if there is no room for them, or nothing more is taken
     */
    synchronized void enter(int images) throws ApiError {
        if (draining) {
            throw ApiError.draining();
        }
        if (inside + images > slots + queue) {
            int waiting = Math.max(0, inside - slots);
            throw ApiError.full(waiting, retryAfter(waiting + images));
        }
        inside += images;
    }

    /** Seconds until so many images more will have been made, by how long the last ones took. */
    private int retryAfter(int images) {
        return (int) Math.min(600, Math.max(1, Math.ceil(images * meters.recentSeconds() / slots)));
    }

    /** An image is over. */
    synchronized void leave(int images) {
        inside -= images;
        notifyAll();
    }

    /** From now on nothing is let in. */
    synchronized void drain() {
        draining = true;
    }

    synchronized boolean isDraining() {
        return draining;
    }

    /** Images inside. */
    synchronized int inside() {
        return inside;
    }

    /** Waits until nothing is inside. */
    synchronized void awaitEmpty() throws InterruptedException {
        while (inside > 0) {
            wait();
        }
    }
}
