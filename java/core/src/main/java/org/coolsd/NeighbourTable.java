package org.coolsd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;

/** The k nearest codebook entries of every entry by Euclidean distance, nearest first, ties to the lower index. */
public final class NeighbourTable {
    private final int vocab;
    private final int k;
    private final IntBuffer neighbours;

    private NeighbourTable(int vocab, int k) {
        if (k < 1 || k >= vocab) {
            throw new IllegalArgumentException("k is " + k + ", it must be 1.." + (vocab - 1));
        }
        this.vocab = vocab;
        this.k = k;
        this.neighbours = ByteBuffer.allocateDirect(Math.multiplyExact(4, Math.multiplyExact(vocab, k)))
                .order(ByteOrder.nativeOrder())
                .asIntBuffer();
    }

    /**
     * The exact table of a codebook, in V^2 d operations.
     *
     * @param codebook entries [V, d], row by row
     * @param d length of an entry
     * @param k neighbours per entry, 1..V-1, the entry itself not among them
     */
    public static NeighbourTable nearest(float[] codebook, int d, int k) {
        if (d < 1 || codebook.length % d != 0) {
            throw new IllegalArgumentException(
                    "d is " + d + ", it must divide the codebook's " + codebook.length + " values");
        }
        int vocab = codebook.length / d;
        NeighbourTable table = new NeighbourTable(vocab, k);
        java.util.stream.IntStream.range(0, vocab).parallel().forEach(x -> table.fill(codebook, d, x));
        return table;
    }

    /** The k smallest of (distance, index) by insertion into a sorted array; most candidates fail at its end. */
    private void fill(float[] codebook, int d, int x) {
        double[] best = new double[k];
        int[] index = new int[k];
        int held = 0;
        for (int y = 0; y < vocab; y++) {
            if (y == x) {
                continue;
            }
            double distance = 0;
            for (int j = 0; j < d; j++) {
                double gap = (double) codebook[x * d + j] - codebook[y * d + j];
                distance += gap * gap;
            }
            if (held == k && !(distance < best[k - 1])) {
                continue;
            }
            int at = held == k ? k - 1 : held++;
            while (at > 0 && best[at - 1] > distance) {
                best[at] = best[at - 1];
                index[at] = index[at - 1];
                at--;
            }
            best[at] = distance;
            index[at] = y;
        }
        neighbours.put(x * k, index);
    }

    /** Entries V. */
    public int vocab() {
        return vocab;
    }

    /** Neighbours per entry. */
    public int k() {
        return k;
    }

    /** Neighbour {@code i} of entry {@code x}, the nearest at 0. */
    public int neighbour(int x, int i) {
        if (x < 0 || x >= vocab || i < 0 || i >= k) {
            throw new IndexOutOfBoundsException("(" + x + ", " + i + ") is not in [" + vocab + ", " + k + "]");
        }
        return neighbours.get(x * k + i);
    }

    IntBuffer buffer() {
        return neighbours;
    }
}
