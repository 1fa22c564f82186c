/* Structs that grow at their end: what a caller of any version gives, as this library knows it. */
#ifndef COOLSD_NATIVE_GROWN_H
#define COOLSD_NATIVE_GROWN_H

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "coolsd.h"
#include "error.h"

namespace coolsd {

/* The size of a struct in version 0.1, the first: where the next version's members begin. */
template <typename T>
constexpr size_t first_size();
template <>
constexpr size_t first_size<coolsd_verifier_spec>() {
  return offsetof(coolsd_verifier_spec, rule);
}
template <>
constexpr size_t first_size<coolsd_verify_args>() {
  return offsetof(coolsd_verify_args, omega);
}
template <>
constexpr size_t first_size<coolsd_sample_args>() {
  return offsetof(coolsd_sample_args, sampling);
}
template <>
constexpr size_t first_size<coolsd_lantern>() {
  return sizeof(coolsd_lantern);
}

/* More than any version will have: a struct_size that was never set is not a length to read. */
constexpr size_t kMostStructSize = 4096;

/* Copies what the caller has and leaves the rest zero. name is what the struct is called in messages. */
template <typename T>
coolsd_status grown(const T* given, const char* name, T& own) {
  size_t size;
  std::memcpy(&size, given, sizeof size);
  if (size < first_size<T>() || size > kMostStructSize) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s.struct_size is %zu, it must be %zu..%zu: set it to sizeof the struct",
                name, size, first_size<T>(), kMostStructSize);
  }
  own = T{};
  std::memcpy(&own, given, std::min(size, sizeof own));
  own.struct_size = sizeof own;
  const char* bytes = reinterpret_cast<const char*>(given);
  if (size > sizeof own && std::any_of(bytes + sizeof own, bytes + size, [](char byte) { return byte != 0; })) {
    return fail(COOLSD_INVALID_ARGUMENT,
                "%s.struct_size is %zu and a member behind the %zu bytes that this library knows is not zero: the "
                "caller's coolsd.h is newer, version %d is loaded",
                name, size, sizeof own, coolsd_version());
  }
  return COOLSD_OK;
}

}  // namespace coolsd

#endif
