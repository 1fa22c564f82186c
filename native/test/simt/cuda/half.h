/* 16-bit floats: storage and exact conversions, rounding to nearest even; no arithmetic, as the kernels compute in f32.
 */
#ifndef COOLSD_SIMT_CUDA_HALF_H
#define COOLSD_SIMT_CUDA_HALF_H

#include "math.h"
#include "vector_types.h"

struct __half {
  unsigned short bits;
};
struct __nv_bfloat16 {
  unsigned short bits;
};
struct alignas(4) __half2 {
  __half x, y;
};
struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};
using half = __half;
using half2 = __half2;
using nv_bfloat16 = __nv_bfloat16;
using nv_bfloat162 = __nv_bfloat162;

inline unsigned short __half_as_ushort(__half h) { return h.bits; }
inline __half __ushort_as_half(unsigned short bits) { return {bits}; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 b) { return b.bits; }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) { return {bits}; }

inline float __bfloat162float(__nv_bfloat16 b) { return __uint_as_float(unsigned{b.bits} << 16); }
inline __nv_bfloat16 __float2bfloat16(float x) {
  const unsigned u = __float_as_uint(x);
  if (x != x) return {0x7fff};
  return {static_cast<unsigned short>((u + 0x7fff + (u >> 16 & 1)) >> 16)};
}

inline float __half2float(__half h) {
  const unsigned sign = (h.bits & 0x8000u) << 16;
  const unsigned exponent = h.bits >> 10 & 31u;
  const unsigned fraction = h.bits & 0x3ffu;
  if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {
    const float tiny = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -tiny : tiny;
  }
  return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
}
inline __half __float2half(float x) {
  const unsigned u = __float_as_uint(x);
  const unsigned sign = u >> 16 & 0x8000u;
  const float size = __uint_as_float(u & 0x7fffffffu);
  unsigned bits;
  if (x != x) {
    return {0x7fff};
  } else if (size >= 65520.0f) {
    bits = 0x7c00;
  } else if (size < 0x1p-14f) {
    bits = static_cast<unsigned>(nearbyintf(size * 0x1p24f));
  } else {
    const unsigned v = u & 0x7fffffffu;
    bits = ((v + 0xfff + (v >> 13 & 1)) >> 13) - (112u << 10);
  }
  return {static_cast<unsigned short>(sign | bits)};
}
inline __half __float2half_rn(float x) { return __float2half(x); }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return __float2bfloat16(x); }
inline float2 __half22float2(__half2 h) { return {__half2float(h.x), __half2float(h.y)}; }
inline float2 __bfloat1622float2(__nv_bfloat162 b) { return {__bfloat162float(b.x), __bfloat162float(b.y)}; }

#endif
