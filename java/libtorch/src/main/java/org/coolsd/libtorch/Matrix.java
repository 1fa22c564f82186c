package org.coolsd.libtorch;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.checkpoint.TensorData;

/** A weight matrix [rows, columns] that is read a few rows at a time, so that it is never in memory as the file has it. */
public interface Matrix {
    /** How many rows: outputs of the product. */
    long rows();

    /** How many columns: inputs of the product. */
    long columns();

    /**
     * Some of its rows in the type that they are stored in, [n, columns]; of the caller's pointer scope, and not to be
     * written to.
     *
     * @throws UncheckedIOException if they cannot be read; its cause says in one line why
     */
    Tensor read(long first, long n);

    /** A matrix in memory, of any floating-point type; not kept. */
    static Matrix of(Tensor tensor) {
        return new Matrix() {
            @Override
            public long rows() {
                return tensor.size(0);
            }

            @Override
            public long columns() {
                return tensor.size(1);
            }

            @Override
            public Tensor read(long first, long n) {
                return tensor.narrow(0, first, n);
            }
        };
    }

    /** A matrix in a file. */
    static Matrix of(TensorData stored) {
        long[] shape = stored.shape();
        return new Matrix() {
            @Override
            public long rows() {
                return shape[0];
            }

            @Override
            public long columns() {
                return shape[1];
            }

            @Override
            public Tensor read(long first, long n) {
                try {
                    return TensorFiles.rows(stored, first, n);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }

    /** This matrix with {@code below} below it, of as many columns and the same type. */
    default Matrix above(Matrix below) {
        Matrix top = this;
        return new Matrix() {
            @Override
            public long rows() {
                return top.rows() + below.rows();
            }

            @Override
            public long columns() {
                return top.columns();
            }

            @Override
            public Tensor read(long first, long n) {
                long ofTop = Math.max(0, Math.min(n, top.rows() - first));
                if (ofTop == n) {
                    return top.read(first, n);
                }
                Tensor rest = below.read(first + ofTop - top.rows(), n - ofTop);
                return ofTop == 0 ? rest : torch.cat(new TensorVector(top.read(first, ofTop), rest), 0);
            }
        };
    }
}
