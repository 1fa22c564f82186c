package org.coolsd.libtorch;

import java.io.IOException;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.global.torch_cuda;
import org.coolsd.Backend;
import org.coolsd.CoolsdException;

/** Where forward passes compute and where their logits are verified: always the same memory. */
public final class Placement {
    private final Device device;
    private final Backend backend;
    private final int cudaDevice;

    private Placement(Device device, Backend backend, int cudaDevice) {
        this.device = device;
        this.backend = backend;
        this.cudaDevice = cudaDevice;
    }

    /** The CPU. */
    public static Placement cpu() {
        return new Placement(new Device("cpu"), Backend.cpu("LibTorch runs on the CPU"), -1);
    }

    /**
     * A CUDA device, for LibTorch and for the verifier.
     *
     * @param device CUDA's ordinal, from 0
     * @throws IOException in one line if either of them cannot use it
     */
    public static Placement cuda(int device) throws IOException {
        try {
            Backend backend = Backend.cuda(device);
            int devices = torch_cuda.device_count();
            if (device >= devices) {
                throw new IOException("there is no CUDA device " + device + ", LibTorch sees " + devices);
            }
            return new Placement(new Device("cuda:" + device), backend, device);
        } catch (CoolsdException e) {
            throw new IOException("no CUDA device " + device + ": " + e.getMessage(), e);
        } catch (LinkageError e) {
            throw new IOException("this LibTorch has no CUDA; build with mvn -Pgpu package", e);
        }
    }

    /** Where the verifier computes. */
    public Backend backend() {
        return backend;
    }

    /** Whether tensors are in a device's memory. */
    public boolean onDevice() {
        return cudaDevice >= 0;
    }

    /** The stream that LibTorch's work of this thread is queued in, a {@code cudaStream_t}; 0 on the CPU. */
    public long stream() {
        return onDevice() ? CudaStreams.current(cudaDevice) : 0;
    }

    /** In a class of its own: where there is no CUDA, its classes are not there either. */
    private static final class CudaStreams {
        static long current(int device) {
            return handle(torch_cuda.getCurrentCUDAStream((byte) device).stream());
        }
    }

    /** A stream as a number: JavaCPP gives the default stream, which is 0, as null. */
    static long handle(Pointer stream) {
        return stream == null ? 0 : stream.address();
    }

    /** {@code tensor} here: itself when it is. */
    public Tensor place(Tensor tensor) {
        return onDevice() ? tensor.to(device, tensor.scalar_type()) : tensor;
    }

    /** Zeros of {@code type} here. */
    public Tensor zeros(ScalarType type, long... shape) {
        return place(torch.zeros(shape, new TensorOptions(type)));
    }

    @Override
    public String toString() {
        return onDevice() ? "cuda:" + cudaDevice : "cpu";
    }
}
