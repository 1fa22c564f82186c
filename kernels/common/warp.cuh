/* Warp-wide reductions in a fixed order; every lane has the result. */
#ifndef COOLSD_KERNELS_COMMON_WARP_CUH
#define COOLSD_KERNELS_COMMON_WARP_CUH

namespace coolsd {

constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ int lane_id() { return static_cast<int>(threadIdx.x % 32); }

/*
 * The same where many values follow from it: they are computed where they are used, and not once at the kernel's entry
 * to be kept in registers ever after.
 */
__device__ __forceinline__ int lane_here() {
  int lane = lane_id();
#ifdef __CUDACC__
  asm volatile("" : "+r"(lane));
#endif
  return lane;
}

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

}  // namespace coolsd

#endif
