/* A device through CUDA's runtime, and the kernels for it. */
#include <cuda_runtime.h>

#include <algorithm>

#include "cutoff.cu"
#include "device.h"
#include "verify.cu"

namespace coolsd {

namespace {

constexpr int kThreads = 32 * kMostWarps;
constexpr size_t kSharedBytes = sizeof(float) * 2 * kTileBuffer * kMostWarps;

const char* words(cudaError_t error) { return error == cudaSuccess ? nullptr : cudaGetErrorString(error); }

/* Makes a device current for a scope. */
class Current {
 public:
  explicit Current(int ordinal) {
    cudaGetDevice(&before_);
    cudaSetDevice(ordinal);
  }
  ~Current() { cudaSetDevice(before_); }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

 private:
  int before_ = 0;
};

class CudaDevice final : public Device {
 public:
  CudaDevice(int ordinal, Size size) : ordinal_(ordinal), size_(size) {}

  Size size() const override { return size_; }

  const char* allocate(size_t bytes, void** memory) override {
    Current current(ordinal_);
    return words(cudaMalloc(memory, bytes));
  }
  void release(void* memory) override {
    Current current(ordinal_);
    cudaFree(memory);
  }
  const char* upload(void* to, const void* from, size_t bytes) override {
    Current current(ordinal_);
    return words(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice));
  }
  const char* zero(void* to, size_t bytes) override {
    Current current(ordinal_);
    const cudaError_t error = cudaMemset(to, 0, bytes);
    return words(error == cudaSuccess ? cudaDeviceSynchronize() : error);
  }
  const char* register_host(void* memory, size_t bytes) override {
    Current current(ordinal_);
    return words(cudaHostRegister(memory, bytes, cudaHostRegisterMapped | cudaHostRegisterPortable));
  }
  const char* unregister_host(void* memory) override {
    Current current(ordinal_);
    return words(cudaHostUnregister(memory));
  }
  const char* synchronize(void* stream) override {
    Current current(ordinal_);
    return words(cudaStreamSynchronize(static_cast<cudaStream_t>(stream)));
  }
  const char* cutoff(const VerifyParameters& parameters, int blocks, void* stream) override {
    return launch(reinterpret_cast<const void*>(coolsd::cutoff), parameters, blocks, cutoff_shared_bytes(kMostWarps),
                  true, stream);
  }
  const char* verify(const VerifyParameters& parameters, int blocks, void* stream) override {
    return launch(reinterpret_cast<const void*>(coolsd::verify), parameters, blocks, kSharedBytes,
                  parameters.draft_length > 0, stream);
  }

 private:
  const char* launch(const void* kernel, const VerifyParameters& parameters, int blocks, size_t shared,
                     bool cooperative, void* stream) const {
    Current current(ordinal_);
    VerifyParameters copy = parameters;
    void* arguments[] = {&copy};
    const auto queue = static_cast<cudaStream_t>(stream);
    const dim3 grid(static_cast<unsigned>(blocks)), block(kThreads);
    return words(cooperative ? cudaLaunchCooperativeKernel(kernel, grid, block, arguments, shared, queue)
                             : cudaLaunchKernel(kernel, grid, block, arguments, shared, queue));
  }

  int ordinal_;
  Size size_;
};

}  // namespace

const char* Device::why_not() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return count > 0 ? nullptr : "no CUDA device was found";
}

std::unique_ptr<Device> Device::open(int ordinal, const char** error) {
  if ((*error = why_not()) != nullptr) return nullptr;
  int count = 0;
  cudaGetDeviceCount(&count);
  if (ordinal < 0 || ordinal >= count) {
    *error = "there is no device with this number";
    return nullptr;
  }
  Current current(ordinal);
  int cooperative = 0;
  Size size{};
  cudaDeviceGetAttribute(&cooperative, cudaDevAttrCooperativeLaunch, ordinal);
  cudaDeviceGetAttribute(&size.multiprocessors, cudaDevAttrMultiProcessorCount, ordinal);
  if (cooperative == 0) {
    *error = "the device has no cooperative launch";
    return nullptr;
  }
  int in_place = 0;
  cudaDeviceGetAttribute(&in_place, cudaDevAttrCanUseHostPointerForRegisteredMem, ordinal);
  if (in_place == 0) {
    *error = "the device cannot use registered host memory in place";
    return nullptr;
  }
  int of_verify = 0, of_cutoff = 0;
  cudaError_t status = cudaOccupancyMaxActiveBlocksPerMultiprocessor(
      &of_verify, reinterpret_cast<const void*>(coolsd::verify), kThreads, kSharedBytes);
  if (status == cudaSuccess) {
    status = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&of_cutoff, reinterpret_cast<const void*>(coolsd::cutoff),
                                                           kThreads, cutoff_shared_bytes(kMostWarps));
  }
  if ((*error = words(status)) != nullptr) return nullptr;
  size.blocks_each = std::min(of_verify, of_cutoff);
  return std::make_unique<CudaDevice>(ordinal, size);
}

}  // namespace coolsd
