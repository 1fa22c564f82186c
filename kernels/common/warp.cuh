/* Warp-wide reductions in a fixed order; every lane has the result. */
#ifndef COOLSD_KERNELS_COMMON_WARP_CUH
#define COOLSD_KERNELS_COMMON_WARP_CUH

namespace coolsd {

constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ int lane_id() { return static_cast<int>(threadIdx.x % 32); }

template <typename T>
__device__ __forceinline__ T warp_sum(T value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

template <typename T>
__device__ __forceinline__ T warp_largest(T value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, distance);
    value = other > value ? other : value;
  }
  return value;
}

template <typename T>
__device__ __forceinline__ T warp_smallest(T value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, distance);
    value = other < value ? other : value;
  }
  return value;
}

/* Sum over the lanes up to and with this one. */
template <typename T>
__device__ __forceinline__ T warp_scan(T value) {
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const T left = __shfl_up_sync(kAllLanes, value, static_cast<unsigned>(distance));
    if (lane_id() >= distance) value += left;
  }
  return value;
}

/* Lane 0's value in every lane. */
template <typename T>
__device__ __forceinline__ T broadcast(T value) {
  return __shfl_sync(kAllLanes, value, 0);
}

/* Where a running sum of weights first exceeds share times their total. */
struct Place {
  int index;     /* -1: no weight is positive */
  double before; /* sum of the weights before it */
  double total;
};

/*
 * Finds that place among n weights, in index order, with all lanes. The total is that of the very summation which is
 * searched; where rounding leaves it unreached, the last positive weight is taken.
 */
template <typename Weight>
__device__ __forceinline__ Place choose(int n, double share, Weight weight) {
  double total = 0;
  for (int from = 0; from < n; from += 32) {
    const int i = from + lane_id();
    const double scan = warp_scan(i < n ? weight(i) : 0.0);
    total += __shfl_sync(kAllLanes, scan, 31);
  }
  Place place = {-1, 0, total};
  if (!(total > 0)) return place;
  const double wanted = share * total;
  double before = 0;
  for (int from = 0; from < n; from += 32) {
    const int i = from + lane_id();
    const double w = i < n ? weight(i) : 0.0;
    const double scan = warp_scan(w);
    const unsigned positive = __ballot_sync(kAllLanes, w > 0);
    const unsigned reached = __ballot_sync(kAllLanes, w > 0 && before + scan > wanted);
    if (positive != 0) {
      const int lane = reached != 0 ? __ffs(static_cast<int>(reached)) - 1 : 31 - __clz(static_cast<int>(positive));
      place.index = from + lane;
      place.before = before + __shfl_sync(kAllLanes, scan - w, lane);
      if (reached != 0) return place;
    }
    before += __shfl_sync(kAllLanes, scan, 31);
  }
  return place;
}

}  // namespace coolsd

#endif
