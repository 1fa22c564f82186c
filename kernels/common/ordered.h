/* Floats as unsigned integers in the same order, and back. */
#ifndef COOLSD_KERNELS_COMMON_ORDERED_H
#define COOLSD_KERNELS_COMMON_ORDERED_H

#include <stdint.h>

#include "qualifiers.h"

namespace coolsd {

/* -0 counts as 0, as in comparisons of values. */
COOLSD_HD uint32_t ordered(float x) {
  const float value = x + 0.0f;
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

COOLSD_HD float from_ordered(uint32_t key) {
  const uint32_t bits = key & 0x80000000u ? key & 0x7FFFFFFFu : ~key;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace coolsd

#endif
