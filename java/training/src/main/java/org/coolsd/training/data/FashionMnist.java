package org.coolsd.training.data;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * Fashion-MNIST (Xiao, Rasul, Vollgraf 2017) as Debian's package dataset-fashion-mnist installs it: 28 x 28 grey
 * pictures of ten kinds of clothing.
 *
 * @param images u8 [n, 28, 28]
 * @param labels i64 [n]
 */
public record FashionMnist(Tensor images, Tensor labels) {
    /** Where the Debian package puts the files. */
    public static final Path DEBIAN = Path.of("/usr/share/datasets/fashion-mnist");

    /** The ten classes by index. */
    public static final List<String> CLASSES = List.of(
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot");

    /** The 60 000 training pictures under {@code folder}. */
    public static FashionMnist train(Path folder) throws IOException {
        return read(folder, "train");
    }

    /** The 10 000 test pictures under {@code folder}. */
    public static FashionMnist test(Path folder) throws IOException {
        return read(folder, "t10k");
    }

    private static FashionMnist read(Path folder, String part) throws IOException {
        return new FashionMnist(
                idx(folder.resolve(part + "-images-idx3-ubyte.gz"), 3),
                idx(folder.resolve(part + "-labels-idx1-ubyte.gz"), 1).to(torch.ScalarType.Long));
    }

    private static Tensor idx(Path file, int dimensions) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IOException(file + ": no such file; install Debian's dataset-fashion-mnist, or name the folder");
        }
        try (DataInputStream in = new DataInputStream(new GZIPInputStream(Files.newInputStream(file)))) {
            if (in.readInt() != 0x800 + dimensions) {
                throw new IOException(file + ": not an IDX file of unsigned bytes in " + dimensions + " dimensions");
            }
            long[] shape = new long[dimensions];
            int n = 1;
            for (int i = 0; i < dimensions; i++) {
                shape[i] = in.readInt();
                n = Math.multiplyExact(n, Math.toIntExact(shape[i]));
            }
            byte[] values = new byte[n];
            in.readFully(values);
            return bytes(values, shape);
        }
    }

    private static Tensor bytes(byte[] values, long[] shape) {
        Tensor tensor = torch.zeros(shape, new TensorOptions(torch.ScalarType.Byte));
        new BytePointer(tensor.data_ptr()).put(values, 0, values.length);
        return tensor;
    }

    /** How many pictures there are. */
    public long size() {
        return images.size(0);
    }

    /** The first {@code n} of these pictures. */
    public FashionMnist first(long n) {
        return new FashionMnist(images.narrow(0, 0, n), labels.narrow(0, 0, n));
    }

    /** Pictures {@code indices} i64 [b] as f32 [b, 3, 28, 28] in [-1, 1], the grey value in all three channels. */
    public Tensor pictures(Tensor indices) {
        return torch.index_select(images, 0, indices)
                .to(torch.ScalarType.Float)
                .div(new Scalar(127.5))
                .sub(new Scalar(1.0))
                .unsqueeze(1)
                .expand(-1, 3, -1, -1);
    }

    /** Labels {@code indices} i64 [b]. */
    public Tensor labels(Tensor indices) {
        return torch.index_select(labels, 0, indices);
    }
}
