/* What the CUDA backend needs of a device: CUDA's runtime has it (cuda_device.cu), and so has the SIMT executor. */
#ifndef COOLSD_NATIVE_CUDA_DEVICE_H
#define COOLSD_NATIVE_CUDA_DEVICE_H

#include <cstddef>
#include <memory>

#include "common/parameters.h"

namespace coolsd {

/* Calls return NULL, or words that say what failed and where; they are good until the thread's next call. */
class Device {
 public:
  /* Blocks of 32 * kMostWarps threads that run together, of any kernel: what a cooperative launch may have. */
  struct Size {
    int multiprocessors;
    int blocks_each; /* per multiprocessor */
  };

  virtual ~Device() = default;

  virtual Size size() const = 0;
  virtual const char* allocate(size_t bytes, void** memory) = 0;
  /* NULL is ignored. */
  virtual void release(void* memory) = 0;
  /* From the host, before the next launch; host memory may be reused on return. */
  virtual const char* upload(void* to, const void* from, size_t bytes) = 0;
  /* The same in order with the stream's other work. */
  virtual const char* queue_upload(void* to, const void* from, size_t bytes, void* stream) {
    static_cast<void>(stream);
    return upload(to, from, bytes);
  }
  virtual const char* zero(void* to, size_t bytes) = 0;
  /* Host memory that kernels use in place. */
  virtual const char* register_host(void* memory, size_t bytes) = 0;
  virtual const char* unregister_host(void* memory) = 0;
  /* Whether kernels can use memory at this address; if not, words that say what it is. Allowed while a stream is
   * captured. */
  virtual const char* usable(const void* memory) {
    static_cast<void>(memory);
    return nullptr;
  }
  /* Whether a graph captures the stream. */
  virtual const char* captured(void* stream, bool* captured) {
    static_cast<void>(stream);
    *captured = false;
    return nullptr;
  }
  virtual const char* synchronize(void* stream) = 0;
  /* Queues `cutoff` with so many blocks of kMostWarps warps, cooperatively. */
  virtual const char* cutoff(const VerifyParameters& parameters, int blocks, void* stream) = 0;
  /* Queues `verify`, or where the parameters say so `verify_staged`, likewise; cooperatively if it has a draft. */
  virtual const char* verify(const VerifyParameters& parameters, int blocks, void* stream) = 0;

  /* Why there is no device at all, or NULL. */
  static const char* why_not();
  /* The device with this ordinal; NULL and *error if there is none. */
  static std::unique_ptr<Device> open(int ordinal, const char** error);
};

}  // namespace coolsd

#endif
