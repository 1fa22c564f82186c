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

/* A warp's copy of a tile: kTile floats behind up to 3, or 16-bit elements behind up to 7, that align it. */
constexpr int kTileBuffer = kTile + 8;

struct RowView {
  const char* data;
  const char* uncond; /* NULL: no guidance */
  int dtype;
  float guidance;
};

__device__ __forceinline__ int element_size(int dtype) { return dtype == COOLSD_F32 ? 4 : 2; }

__device__ __forceinline__ float from_16_bits(unsigned bits, int dtype) {
  /* Both, and no branch. */
  const float f16 = __half2float(__ushort_as_half(static_cast<unsigned short>(bits))),
              bf16 = __uint_as_float(bits << 16);
  return dtype == COOLSD_BF16 ? bf16 : f16;
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

/*
 * A tile on its way into a warp's buffer of kTileBuffer floats: tokens lo..hi of the buffer, each at[t] as a float. Of
 * 16-bit rows the elements lie at half[t] first; they end where the floats end, so that floats written from the first
 * on reach none that is yet to be read.
 */
struct Tile {
  float* at;
  unsigned short* half;
  int lo, hi;
};

/* Loads kVectors times 32 vectors of 16 bytes, all in flight together, and stores them. All lanes. */
template <int kVectors>
__device__ __forceinline__ void copy_vectors(char* to, const char* from) {
  uint4 loaded[kVectors];
#pragma unroll
  for (int k = 0; k < kVectors; ++k) loaded[k] = load_global_16(from + 512 * k);
#pragma unroll
  for (int k = 0; k < kVectors; ++k) store_shared(reinterpret_cast<uint4*>(to + 512 * k), loaded[k]);
}

/*
 * Copies the tokens first + lo..first + hi of a row as they are, with 16-byte loads between an unaligned head and tail.
 * All lanes; loads are in flight together before the first store.
 */
__device__ __forceinline__ Tile fetch(const RowView& row, int64_t first, int lo, int hi, float* buffer) {
  constexpr int kVectors = kTile / 4 / 32;
  const int lane = lane_here(), size = element_size(row.dtype), n = hi - lo;
  const char* from = row.data + (first + lo) * size;
  const int unaligned = static_cast<int>((16 - (reinterpret_cast<uintptr_t>(from) & 15)) & 15) / size;
  const int head = unaligned < n ? unaligned : n;
  char* start = reinterpret_cast<char*>(buffer) + (size == 4 ? 0 : 2 * kTile);
  char* base = start + (-(lo + head) * size & 15); /* of token 0 of the buffer */
  const Tile tile = {size == 4 ? reinterpret_cast<float*>(base) : buffer, reinterpret_cast<unsigned short*>(base), lo,
                     hi};
  const int vectors = (n - head) * size / 16;
  const char* source = from + head * size + 16 * lane;
  char* to = base + (lo + head) * size + 16 * lane;
  __syncwarp();
  if (vectors == 32 * kVectors) {
    copy_vectors<kVectors>(to, source);
  } else if (vectors == 16 * kVectors) {
    copy_vectors<kVectors / 2>(to, source);
  } else {
    uint4 loaded[kVectors];
#pragma unroll
    for (int k = 0; k < kVectors; ++k) {
      loaded[k] = 32 * k < vectors - lane ? load_global_16(source + 512 * k) : uint4{0, 0, 0, 0};
    }
#pragma unroll
    for (int k = 0; k < kVectors; ++k) {
      if (32 * k < vectors - lane) store_shared(reinterpret_cast<uint4*>(to + 512 * k), loaded[k]);
    }
  }
  if (vectors * 16 != n * size) {
    const int tail = head + vectors * (16 / size);
    const int odd = lane < head ? lane : tail + lane - head; /* one that no vector has */
    if (odd < n && size == 4) {
      store_shared(tile.at + lo + odd, load_global(reinterpret_cast<const float*>(from) + odd));
    } else if (odd < n) {
      store_shared(tile.half + lo + odd, load_global(reinterpret_cast<const unsigned short*>(from) + odd));
    }
  }
  __syncwarp();
  return tile;
}

/* Makes floats of a tile's 16-bit elements. All lanes. */
__device__ __forceinline__ void widen(const Tile& tile, int dtype) {
  constexpr int kInFlight = 4;
#pragma unroll 1
  for (int t = tile.lo + lane_id(); t - lane_id() < tile.hi; t += 32 * kInFlight) {
    float x[kInFlight];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      x[k] = t + 32 * k < tile.hi ? from_16_bits(load_shared(tile.half + t + 32 * k), dtype) : 0;
    }
    __syncwarp();
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      if (t + 32 * k < tile.hi) store_shared(tile.at + t + 32 * k, x[k]);
    }
    __syncwarp();
  }
}

/* Guides a tile's floats by another row. All lanes. */
__device__ __forceinline__ void guide_by(const RowView& row, int64_t first, const Tile& tile) {
  constexpr int kInFlight = 4;
  const char* from = row.uncond + first * element_size(row.dtype);
#pragma unroll 1
  for (int t = tile.lo + lane_id(); t < tile.hi; t += 32 * kInFlight) {
    float u[kInFlight];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) u[k] = t + 32 * k < tile.hi ? element(from, row.dtype, t + 32 * k) : 0;
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      float* at = tile.at + t + 32 * k;
      if (t + 32 * k < tile.hi) store_shared(at, guide(load_shared(at), u[k], row.guidance));
    }
  }
  __syncwarp();
}

/*
 * Guided logits of the tokens first + lo..first + hi, 0 <= lo <= hi <= kTile, in a warp's buffer of kTileBuffer floats.
 * All lanes call; which lane later reads which token does not depend on the row's alignment. Returns where token
 * `first` would be, which is in the buffer.
 */
__device__ __forceinline__ float* stage(const RowView& row, int64_t first, int lo, int hi, float* buffer) {
  const Tile tile = fetch(row, first, lo, hi, buffer);
  if (row.dtype != COOLSD_F32) widen(tile, row.dtype);
  if (row.uncond != nullptr) guide_by(row, first, tile);
  return tile.at;
}

}  // namespace coolsd

#endif
