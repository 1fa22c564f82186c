/* What kernels/common/memory.cuh calls when it is compiled for the executor. */
#ifndef COOLSD_SIMT_ACCESSORS_H
#define COOLSD_SIMT_ACCESSORS_H

#include <cstring>
#include <string>
#include <type_traits>

#include "machine.h"

namespace coolsd::simt {

template <typename T>
T copy_from(const void* storage) {
  static_assert(std::is_trivially_copyable<T>::value, "device memory holds plain data");
  std::remove_cv_t<T> value;
  std::memcpy(&value, storage, sizeof(T));
  return value;
}

template <typename T>
T load_global(const T* pointer, Site site) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  return copy_from<T>(machine->memory().load_global(address, sizeof(T), alignof(T), site));
}

template <typename T>
void store_global(T* pointer, const T& value, Site site) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  std::memcpy(machine->memory().store_global(address, sizeof(T), alignof(T), site), &value, sizeof(T));
}

template <typename T>
T load_shared(const T* pointer, Site site) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  return copy_from<T>(machine->memory().load_shared(address, sizeof(T), alignof(T), site));
}

template <typename T>
void store_shared(T* pointer, const T& value, Site site) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  std::memcpy(machine->memory().store_shared(address, sizeof(T), alignof(T), site), &value, sizeof(T));
}

/* The index of an array whose length the type knows. */
inline void check_index(std::size_t index, std::size_t length, Site site) {
  if (index >= length) {
    machine->memory().fail(Defect::Kind::out_of_bounds_shared,
                           "index " + std::to_string(index) + " of an array of " + std::to_string(length), site);
  }
}

/* An atomic that only reads: does not order anything by itself. */
template <typename T>
T load_atomic(const T* pointer, Site site) {
  std::remove_cv_t<T> value{};
  machine->atomic(pointer, sizeof(T), false, site, [&](const void* storage) {
    value = copy_from<T>(storage);
    return false;
  });
  return value;
}

/* Atomically replaces the value v at the pointer by change(v); returns v. */
template <typename T, typename Change>
T update_atomic(T* pointer, Site site, Change change) {
  T old{};
  machine->atomic(pointer, sizeof(T), true, site, [&](void* storage) {
    old = copy_from<T>(storage);
    const T next = change(old);
    std::memcpy(storage, &next, sizeof(T));
    return next != old;
  });
  return old;
}

}  // namespace coolsd::simt

#endif
