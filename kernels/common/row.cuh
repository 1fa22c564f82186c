/* One row of logits in global memory, and its way into shared memory. */
#ifndef COOLSD_KERNELS_COMMON_ROW_CUH
#define COOLSD_KERNELS_COMMON_ROW_CUH

#include <cuda_fp16.h>
#include <stdint.h>

#include "guide.h"
#include "memory.cuh"
#include "parameters.h"
#include "warp.cuh"

namespace coolsd {

constexpr float kInf = __builtin_huge_valf();
constexpr int kEveryIndex = 0x7fffffff;

/* A warp's copy of a tile: kTile floats behind up to 7 that align it. */
constexpr int kTileBuffer = kTile + 8;

struct RowView {
  const char* data;
  const char* uncond; /* NULL: no guidance */
  int dtype;
  float guidance;
};

__device__ __forceinline__ int element_size(int dtype) { return dtype == COOLSD_F32 ? 4 : 2; }

__device__ __forceinline__ float from_16_bits(unsigned bits, int dtype) {
  if (dtype == COOLSD_BF16) return __uint_as_float(bits << 16);
  return __half2float(__ushort_as_half(static_cast<unsigned short>(bits)));
}

__device__ __forceinline__ float element(const char* row, int dtype, int64_t v) {
  if (dtype == COOLSD_F32) return load_global(reinterpret_cast<const float*>(row) + v);
  return from_16_bits(load_global(reinterpret_cast<const unsigned short*>(row) + v), dtype);
}

/* The guided logit of one token. */
__device__ __forceinline__ float value(const RowView& row, int64_t v) {
  const float c = element(row.data, row.dtype, v);
  return row.uncond == nullptr ? c : guide(c, element(row.uncond, row.dtype, v), row.guidance);
}

/* Stores what was loaded, or guides what already stands there by it. */
template <bool kGuide>
__device__ __forceinline__ void put(float* to, float x, float guidance) {
  store_shared(to, kGuide ? guide(load_shared(to), x, guidance) : x);
}

/* Four floats, as bits, from four elements of 16 bits. */
__device__ __forceinline__ uint4 widen(unsigned low, unsigned high, int dtype) {
  return {__float_as_uint(from_16_bits(low & 0xffffu, dtype)), __float_as_uint(from_16_bits(low >> 16, dtype)),
          __float_as_uint(from_16_bits(high & 0xffffu, dtype)), __float_as_uint(from_16_bits(high >> 16, dtype))};
}

/* The same for four floats as bits; `to` is aligned to 16 bytes unless it guides. */
template <bool kGuide>
__device__ __forceinline__ void put(float* to, uint4 x, float guidance) {
  if (!kGuide) {
    store_shared(reinterpret_cast<uint4*>(to), x);
    return;
  }
  put<kGuide>(to, __uint_as_float(x.x), guidance);
  put<kGuide>(to + 1, __uint_as_float(x.y), guidance);
  put<kGuide>(to + 2, __uint_as_float(x.z), guidance);
  put<kGuide>(to + 3, __uint_as_float(x.w), guidance);
}

/*
 * Copies n elements at `from` to x in shared memory, with 16-byte loads between an unaligned head and tail. All lanes;
 * loads are in flight together before the first store. `head` elements come before the first aligned address.
 */
template <bool kGuide>
__device__ __forceinline__ void copy(const char* from, int dtype, int head, int n, float guidance, float* x) {
  constexpr int kVectors = kTile / 4 / 32;
  const int lane = lane_id();
  const int size = element_size(dtype), width = 16 / size;
  const int vectors = (n - head) / width;
  const char* aligned = from + static_cast<int64_t>(head) * size;
  uint4 loaded[kVectors];
#pragma unroll
  for (int k = 0; k < kVectors; ++k) {
    const int j = 32 * k + lane;
    loaded[k] = j < vectors ? load_global_16(aligned + 16 * j) : uint4{0, 0, 0, 0};
  }
  const int tail = head + vectors * width;
  if (lane < head) put<kGuide>(x + lane, element(from, dtype, lane), guidance);
  if (tail + lane < n) put<kGuide>(x + tail + lane, element(from, dtype, tail + lane), guidance);
#pragma unroll
  for (int k = 0; k < kVectors; ++k) {
    const int j = 32 * k + lane;
    if (j >= vectors) continue;
    float* to = x + head + j * width;
    const uint4 v = loaded[k];
    if (dtype == COOLSD_F32) {
      put<kGuide>(to, v, guidance);
    } else {
      put<kGuide>(to, widen(v.x, v.y, dtype), guidance);
      put<kGuide>(to + 4, widen(v.z, v.w, dtype), guidance);
    }
  }
}

__device__ __forceinline__ int unaligned_head(const char* from, int size, int n) {
  const int head = static_cast<int>((16 - (reinterpret_cast<uintptr_t>(from) & 15)) & 15) / size;
  return head < n ? head : n;
}

/*
 * Guided logits of the tokens first..first + n, n <= kTile, in a warp's buffer of kTileBuffer floats. All lanes call;
 * which lane later reads which token does not depend on the row's alignment. Returns the buffer's first token.
 */
__device__ __forceinline__ float* stage(const RowView& row, int64_t first, int n, float* buffer) {
  const int size = element_size(row.dtype);
  const char* from = row.data + first * size;
  const int head = unaligned_head(from, size, n);
  float* x = buffer + (8 - head);
  __syncwarp();
  copy<false>(from, row.dtype, head, n, 0, x);
  if (row.uncond != nullptr) {
    __syncwarp();
    const char* other = row.uncond + first * size;
    copy<true>(other, row.dtype, unaligned_head(other, size, n), n, row.guidance, x);
  }
  __syncwarp();
  return x;
}

}  // namespace coolsd

#endif
