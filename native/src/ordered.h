/* Floats as unsigned integers in the same order, and back. */
#ifndef COOLSD_NATIVE_ORDERED_H
#define COOLSD_NATIVE_ORDERED_H

#include <cstdint>
#include <cstring>

namespace coolsd {

/* -0 counts as 0, as in comparisons of values. */
inline uint32_t ordered(float x) {
  const float value = x + 0.0f;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

inline float from_ordered(uint32_t key) {
  const uint32_t bits = key & 0x80000000u ? key & 0x7FFFFFFFu : ~key;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace coolsd

#endif
