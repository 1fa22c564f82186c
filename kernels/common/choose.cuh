/* Inverse CDFs by one warp: which of many weights, in index order, a share of their total falls on. */
#ifndef COOLSD_KERNELS_COMMON_CHOOSE_CUH
#define COOLSD_KERNELS_COMMON_CHOOSE_CUH

#include "memory.cuh"
#include "parameters.h"
#include "warp.cuh"

namespace coolsd {

constexpr int kNothing = -1, kStatus = -2;
struct Choice {
  int index;     /* kNothing: no weight is positive; kStatus: one is negative, as where it stands for a status */
  double inside; /* the share of its own weight that lies before the place */
};

/* Writes weight(i) for i < n <= kTile in shared memory, and for the i behind up to a multiple of 32; all lanes. */
template <int kInFlight, typename Weight>
__device__ __forceinline__ void write_weights(float* to, int n, Weight weight) {
  __syncwarp();
#pragma unroll kInFlight
  for (int i = lane_here(); i < ((n + 31) & ~31); i += 32) store_shared(to + i, weight(i));
  __syncwarp();
}

/*
 * The weight in which a running sum first exceeds share times the total, of n that write_weights() wrote; where
 * rounding leaves that unreached, the last positive one. Each lane sums 16 neighbours, one scan finds the lane and a
 * second the weight.
 */
__device__ __forceinline__ Choice choose(const float* weights, int n, double share) {
  constexpr int kEach = kTile / 32;
  const int lane = lane_here();
  const auto find = [&](double mine, double before, double wanted) {
    const unsigned positive = __ballot_sync(kAllLanes, mine > 0);
    const unsigned reached = __ballot_sync(kAllLanes, mine > 0 && before + mine > wanted);
    if (positive == 0) return kNothing;
    return reached != 0 ? __ffs(static_cast<int>(reached)) - 1 : 31 - __clz(static_cast<int>(positive));
  };
  /* Up to 32 are a lane's each, and there is one scan. */
  int first = 0;
  double before = 0, wanted = 0;
  if (n > 32) {
    double sum = 0;
    if (kEach * lane < n) {
      /* In an order of the lane's own: in index order all lanes would ask two banks. */
#pragma unroll
      for (int k = 0; k < kEach; ++k)
        sum += static_cast<double>(load_shared(weights + kEach * lane + ((lane % kEach) ^ k)));
    }
    const double scan = warp_scan(sum);
    wanted = share * __shfl_sync(kAllLanes, scan, 31);
    const int group = find(sum, scan - sum, wanted);
    if (group < 0) return {kNothing, 0};
    before = __shfl_sync(kAllLanes, scan - sum, group);
    first = kEach * group;
  }
  const double weight = n <= 32 || lane < kEach ? static_cast<double>(load_shared(weights + first + lane)) : 0.0;
  const double scan = warp_scan(weight);
  if (n <= 32) wanted = share * __shfl_sync(kAllLanes, scan, 31);
  const double within = before + (scan - weight);
  const int place = find(weight, within, wanted);
  if (place < 0) return {kNothing, 0};
  return {first + place, __shfl_sync(kAllLanes, (wanted - within) / (weight > 0 ? weight : 1), place)};
}

/* The same among the sums of n tiles that lie in global memory, `stride` floats apart; any n. A negative one is found.
 */
__device__ __forceinline__ Choice choose_tile(const float* sums, int stride, int n, double share, float* buffer) {
  const auto sum = [&](int t) { return load_workspace(sums + static_cast<int64_t>(t) * stride); };
  int from = 0;
  bool negative = false;
#pragma unroll 1
  for (;;) {
    /* More than a buffer holds are taken in groups: first a group, then what is in it. */
    const int each = (n + kTile - 1) / kTile, groups = (n + each - 1) / each;
    if (each == 1) {
      constexpr int kInFlight = 8;
      __syncwarp();
#pragma unroll 1
      for (int t = lane_here(); t < ((n + 31) & ~31); t += 32 * kInFlight) {
        float one[kInFlight];
#pragma unroll
        for (int k = 0; k < kInFlight; ++k) {
          one[k] = 0;
          if (t + 32 * k < n) one[k] = sum(from + t + 32 * k);
        }
#pragma unroll
        for (int k = 0; k < kInFlight; ++k) {
          if (t + 32 * k < ((n + 31) & ~31)) store_shared(buffer + t + 32 * k, one[k]);
          negative = negative | (one[k] < 0);
        }
      }
      __syncwarp();
    } else {
      write_weights<1>(buffer, groups, [&](int g) {
        float all = 0;
#pragma unroll 1
        for (int t = g * each; t < min(g * each + each, n); ++t) {
          const float one = sum(from + t);
          negative = negative || one < 0;
          all += one;
        }
        return all;
      });
    }
    if (__any_sync(kAllLanes, negative)) return {kStatus, 0};
    const Choice group = choose(buffer, groups, share);
    if (group.index < 0) return group;
    from += group.index * each;
    if (each == 1) return {from, group.inside};
    n = min(each, n - group.index * each);
    share = group.inside;
  }
}

}  // namespace coolsd

#endif
