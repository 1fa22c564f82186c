/* A device through CUDA's runtime, and the kernels for it. */
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "cutoff.cu"
#include "device.h"
#include "verify.cu"
#include "verify_staged.cu"

namespace coolsd {

namespace {

constexpr int kThreads = 32 * kMostWarps;
constexpr size_t kVerifyBytes = sizeof(float) * 2 * kTileBuffer * kMostWarps;
constexpr size_t kStagedBytes = staged_shared_bytes(kMostWarps);
constexpr size_t kCutoffBytes = cutoff_shared_bytes(kMostWarps);

/* The words of a failed call, with its name and place; the thread's until the next failure. */
const char* failed(const char* call, int line, cudaError_t error) {
  thread_local char words[256];
  const char* end = std::strchr(call, '(');
  const int name = end == nullptr ? static_cast<int>(std::strlen(call)) : static_cast<int>(end - call);
  std::snprintf(words, sizeof words, "%.*s at cuda_device.cu:%d: %s (%s)", name, call, line, cudaGetErrorString(error),
                cudaGetErrorName(error));
  /* The caller's own next look at CUDA's last error is not to find ours. */
  static_cast<void>(cudaGetLastError());
  return words;
}

#define COOLSD_CUDA(call) \
  if (const cudaError_t result = (call); result != cudaSuccess) return failed(#call, __LINE__, result)

/* Does something with a device current, and makes the one current again that was. The first failure counts. */
template <typename Body>
const char* with_device(int ordinal, Body body) {
  int before = 0;
  COOLSD_CUDA(cudaGetDevice(&before));
  if (before == ordinal) return body();
  COOLSD_CUDA(cudaSetDevice(ordinal));
  const char* error = body();
  const cudaError_t back = cudaSetDevice(before);
  if (error == nullptr && back != cudaSuccess) error = failed("cudaSetDevice", __LINE__, back);
  return error;
}

class CudaDevice final : public Device {
 public:
  CudaDevice(int ordinal, Size size, bool reads_pageable)
      : ordinal_(ordinal), size_(size), reads_pageable_(reads_pageable) {}

  Size size() const override { return size_; }

  const char* allocate(size_t bytes, void** memory) override {
    return with_device(ordinal_, [&]() -> const char* {
      COOLSD_CUDA(cudaMalloc(memory, bytes));
      return nullptr;
    });
  }
  /* What fails here failed before, in a kernel, and the next call says so. */
  void release(void* memory) override {
    static_cast<void>(with_device(ordinal_, [&]() -> const char* {
      COOLSD_CUDA(cudaFree(memory));
      return nullptr;
    }));
  }
  const char* upload(void* to, const void* from, size_t bytes) override {
    return with_device(ordinal_, [&]() -> const char* {
      COOLSD_CUDA(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice));
      return nullptr;
    });
  }
  const char* queue_upload(void* to, const void* from, size_t bytes, void* stream) override {
    /* Pageable memory has been read when this returns. */
    return with_device(ordinal_, [&]() -> const char* {
      COOLSD_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, static_cast<cudaStream_t>(stream)));
      return nullptr;
    });
  }
  const char* zero(void* to, size_t bytes) override {
    return with_device(ordinal_, [&]() -> const char* {
      COOLSD_CUDA(cudaMemset(to, 0, bytes));
      COOLSD_CUDA(cudaDeviceSynchronize());
      return nullptr;
    });
  }
  const char* register_host(void* memory, size_t bytes) override {
    return with_device(ordinal_, [&]() -> const char* {
      COOLSD_CUDA(cudaHostRegister(memory, bytes, cudaHostRegisterMapped | cudaHostRegisterPortable));
      return nullptr;
    });
  }
  const char* unregister_host(void* memory) override {
    return with_device(ordinal_, [&]() -> const char* {
      COOLSD_CUDA(cudaHostUnregister(memory));
      return nullptr;
    });
  }
  const char* usable(const void* memory) override {
    if (reads_pageable_) return nullptr;
    return with_device(ordinal_, [&]() -> const char* {
      cudaPointerAttributes attributes;
      COOLSD_CUDA(cudaPointerGetAttributes(&attributes, memory));
      return attributes.type == cudaMemoryTypeUnregistered ? "host memory that is not registered with CUDA" : nullptr;
    });
  }
  const char* captured(void* stream, bool* captured) override {
    return with_device(ordinal_, [&]() -> const char* {
      cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
      COOLSD_CUDA(cudaStreamIsCapturing(static_cast<cudaStream_t>(stream), &status));
      *captured = status != cudaStreamCaptureStatusNone;
      return nullptr;
    });
  }
  const char* synchronize(void* stream) override {
    return with_device(ordinal_, [&]() -> const char* {
      COOLSD_CUDA(cudaStreamSynchronize(static_cast<cudaStream_t>(stream)));
      return nullptr;
    });
  }
  const char* cutoff(const VerifyParameters& parameters, int blocks, void* stream) override {
    return launch(reinterpret_cast<const void*>(coolsd::cutoff), parameters, blocks, kCutoffBytes, true, stream);
  }
  const char* verify(const VerifyParameters& parameters, int blocks, void* stream) override {
    if (parameters.staged()) {
      return launch(reinterpret_cast<const void*>(coolsd::verify_staged), parameters, blocks, kStagedBytes, true,
                    stream);
    }
    return launch(reinterpret_cast<const void*>(coolsd::verify), parameters, blocks, kVerifyBytes,
                  parameters.draft_length > 0, stream);
  }

 private:
  const char* launch(const void* kernel, const VerifyParameters& parameters, int blocks, size_t shared,
                     bool cooperative, void* stream) const {
    return with_device(ordinal_, [&]() -> const char* {
      VerifyParameters copy = parameters;
      void* arguments[] = {&copy};
      const auto queue = static_cast<cudaStream_t>(stream);
      const dim3 grid(static_cast<unsigned>(blocks)), block(kThreads);
      if (cooperative) {
        COOLSD_CUDA(cudaLaunchCooperativeKernel(kernel, grid, block, arguments, shared, queue));
      } else {
        COOLSD_CUDA(cudaLaunchKernel(kernel, grid, block, arguments, shared, queue));
      }
      return nullptr;
    });
  }

  int ordinal_;
  Size size_;
  bool reads_pageable_; /* host memory as it is, as where CPU and GPU share page tables */
};

/* What open() asks of a device. */
struct Properties {
  Device::Size size;
  int cooperative, registered_in_place, pageable;
};

const char* ask(int ordinal, Properties* is) {
  COOLSD_CUDA(cudaDeviceGetAttribute(&is->cooperative, cudaDevAttrCooperativeLaunch, ordinal));
  COOLSD_CUDA(cudaDeviceGetAttribute(&is->size.multiprocessors, cudaDevAttrMultiProcessorCount, ordinal));
  COOLSD_CUDA(cudaDeviceGetAttribute(&is->registered_in_place, cudaDevAttrCanUseHostPointerForRegisteredMem, ordinal));
  COOLSD_CUDA(cudaDeviceGetAttribute(&is->pageable, cudaDevAttrPageableMemoryAccess, ordinal));
  const struct {
    const void* kernel;
    size_t bytes;
  } kernels[] = {{reinterpret_cast<const void*>(coolsd::verify), kVerifyBytes},
                 {reinterpret_cast<const void*>(coolsd::verify_staged), kStagedBytes},
                 {reinterpret_cast<const void*>(coolsd::cutoff), kCutoffBytes}};
  is->size.blocks_each = 1 << 10;
  for (const auto& one : kernels) {
    int blocks = 0;
    COOLSD_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, one.kernel, kThreads, one.bytes));
    is->size.blocks_each = std::min(is->size.blocks_each, blocks);
  }
  return nullptr;
}

}  // namespace

const char* Device::why_not() {
  int count = 0;
  COOLSD_CUDA(cudaGetDeviceCount(&count));
  return count > 0 ? nullptr : "no CUDA device was found";
}

std::unique_ptr<Device> Device::open(int ordinal, const char** error) {
  if ((*error = why_not()) != nullptr) return nullptr;
  int count = 0;
  if (const cudaError_t result = cudaGetDeviceCount(&count); result != cudaSuccess) {
    *error = failed("cudaGetDeviceCount", __LINE__, result);
    return nullptr;
  }
  if (ordinal < 0 || ordinal >= count) {
    *error = "there is no device with this number";
    return nullptr;
  }
  Properties is{};
  *error = with_device(ordinal, [&] { return ask(ordinal, &is); });
  if (*error != nullptr) return nullptr;
  if (is.cooperative == 0) *error = "the device has no cooperative launch";
  if (is.registered_in_place == 0) *error = "the device cannot use registered host memory in place";
  return *error == nullptr ? std::make_unique<CudaDevice>(ordinal, is.size, is.pageable != 0) : nullptr;
}

}  // namespace coolsd
