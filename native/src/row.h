/* One row of logits of any element type, with its unconditional half. */
#ifndef COOLSD_NATIVE_ROW_H
#define COOLSD_NATIVE_ROW_H

#include <cstdint>
#include <cstring>

#include "common/guide.h"
#include "common/logit.h"
#include "coolsd.h"

namespace coolsd {

inline float from_bf16(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

inline float from_f16(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  const uint32_t exponent = (bits >> 10) & 31u;
  const uint32_t fraction = bits & 1023u;
  if (exponent == 0) {
    const float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -value : value;
  }
  const uint32_t wide = sign | ((exponent == 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

inline int64_t element_size(int32_t dtype) { return dtype == COOLSD_F32 ? 4 : 2; }

struct Row {
  /* The rows at so many elements from the start of either half. */
  Row(const coolsd_logits& logits, const coolsd_logits& unconditional, float scale, int64_t at, int64_t uncond_at)
      : data(address(logits, at)), uncond(address(unconditional, uncond_at)), dtype(logits.dtype), guidance(scale) {}

  /* Values in f32 that need no guidance. */
  explicit Row(const float* values)
      : data(reinterpret_cast<const char*>(values)), uncond(nullptr), dtype(COOLSD_F32), guidance(1) {}

  /* The row without its first n tokens. */
  Row from(int64_t n) const {
    Row rest = *this;
    rest.data += n * element_size(dtype);
    if (uncond != nullptr) rest.uncond += n * element_size(dtype);
    return rest;
  }

  /* The value of token v after guidance. */
  float operator[](int64_t v) const {
    const float c = element(data, v);
    return uncond == nullptr ? c : guide(c, element(uncond, v), guidance);
  }

  /* Whether the values can be used where they are. */
  bool direct() const { return dtype == COOLSD_F32 && uncond == nullptr; }

  /* What is wrong with token v's logits as the caller gave them. */
  coolsd_row_status status(int64_t v) const { return logit_status((*this)[v]); }

  const char* data;
  const char* uncond; /* NULL: no guidance */
  int32_t dtype;
  float guidance;

 private:
  static const char* address(const coolsd_logits& l, int64_t at) {
    if (l.data == nullptr) return nullptr;
    return static_cast<const char*>(l.data) + at * element_size(l.dtype);
  }

  float element(const char* from, int64_t v) const {
    if (dtype == COOLSD_F32) {
      float value;
      std::memcpy(&value, from + 4 * v, 4);
      return value;
    }
    uint16_t bits;
    std::memcpy(&bits, from + 2 * v, 2);
    return dtype == COOLSD_F16 ? from_f16(bits) : from_bf16(bits);
  }
};

}  // namespace coolsd

#endif
