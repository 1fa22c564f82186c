/* Reading logits of any element type. */
#ifndef COOLSD_NATIVE_LOGITS_H
#define COOLSD_NATIVE_LOGITS_H

#include <cstdint>
#include <cstring>

#include "coolsd.h"

namespace coolsd {

inline float from_bf16(uint16_t bits) {
  uint32_t wide = uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

inline float from_f16(uint16_t bits) {
  uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  uint32_t exponent = (bits >> 10) & 31u;
  uint32_t fraction = bits & 1023u;
  uint32_t wide;
  if (exponent == 31) {
    wide = sign | 0x7F800000u | (fraction << 13);
  } else if (exponent != 0) {
    wide = sign | ((exponent + 112) << 23) | (fraction << 13);
  } else {
    float value = static_cast<float>(fraction) * 5.9604644775390625e-8f;  // fraction * 2^-24, exact
    return sign ? -value : value;
  }
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

inline size_t element_size(int32_t dtype) { return dtype == COOLSD_F32 ? 4 : 2; }

/* One row of logits; elements need only their own alignment, or not even that. */
class Row {
 public:
  Row(const coolsd_logits& logits, int64_t batch, int64_t row)
      : data_(logits.data == nullptr
                  ? nullptr
                  : static_cast<const char*>(logits.data) +
                        (batch * logits.batch_stride + row * logits.row_stride) *
                            static_cast<int64_t>(element_size(logits.dtype))),
        dtype_(logits.dtype) {}

  bool present() const { return data_ != nullptr; }

  float operator[](int64_t v) const {
    if (dtype_ == COOLSD_F32) {
      float value;
      std::memcpy(&value, data_ + 4 * v, 4);
      return value;
    }
    uint16_t bits;
    std::memcpy(&bits, data_ + 2 * v, 2);
    return dtype_ == COOLSD_F16 ? from_f16(bits) : from_bf16(bits);
  }

 private:
  const char* data_;
  int32_t dtype_;
};

}  // namespace coolsd

#endif
