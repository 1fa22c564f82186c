/*
 * Memory as cudaMalloc gives it: aligned to 256 bytes, and with 256 unregistered bytes on both sides,
 * so that an index slightly out of range cannot fall into a neighbouring buffer and pass.
 */
#ifndef COOLSD_SIMT_DEVICE_ARRAY_H
#define COOLSD_SIMT_DEVICE_ARRAY_H

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "executor.h"

namespace coolsd::simt {

template <typename T>
class DeviceArray {
 public:
  /* Registered with the executor under the name; all bytes zero, though with Access::write kernels may not know. */
  DeviceArray(Executor& executor, const std::string& name, Access access, std::size_t count)
      : size_(count), memory_(static_cast<char*>(operator new(2 * kRedZone + count * sizeof(T), kAlignment))) {
    std::uninitialized_fill_n(data(), count, T{});
    executor.buffer(name, data(), count * sizeof(T), access);
  }
  DeviceArray(Executor& executor, const std::string& name, Access access, const std::vector<T>& contents)
      : DeviceArray(executor, name, access, contents.size()) {
    std::copy(contents.begin(), contents.end(), data());
  }

  T* data() const { return reinterpret_cast<T*>(memory_.get() + kRedZone); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](std::size_t i) const { return data()[i]; }
  std::vector<T> to_vector() const { return std::vector<T>(data(), data() + size_); }

 private:
  static constexpr std::align_val_t kAlignment{256};
  static constexpr std::size_t kRedZone = 256;
  struct Free {
    void operator()(char* memory) const { operator delete(memory, kAlignment); }
  };

  std::size_t size_;
  std::unique_ptr<char, Free> memory_;
};

}  // namespace coolsd::simt

#endif
