/*
 * Barriers, fences and warp collectives. A shuffle or vote brings lanes together but orders no memory, as the CUDA C++
 * Programming Guide says of them; only __syncwarp does.
 */
#ifndef COOLSD_SIMT_CUDA_SYNC_H
#define COOLSD_SIMT_CUDA_SYNC_H

#include <cstring>
#include <type_traits>

#include "../machine.h"

constexpr int warpSize = 32;

inline void __syncthreads(coolsd::simt::Site site = coolsd::simt::Site::here()) {
  coolsd::simt::machine->block_barrier(coolsd::simt::BarrierKind::sync, false, site);
}
inline int __syncthreads_or(int predicate, coolsd::simt::Site site = coolsd::simt::Site::here()) {
  return coolsd::simt::machine->block_barrier(coolsd::simt::BarrierKind::logical_or, predicate != 0, site);
}
inline int __syncthreads_and(int predicate, coolsd::simt::Site site = coolsd::simt::Site::here()) {
  return coolsd::simt::machine->block_barrier(coolsd::simt::BarrierKind::logical_and, predicate != 0, site);
}
inline int __syncthreads_count(int predicate, coolsd::simt::Site site = coolsd::simt::Site::here()) {
  return coolsd::simt::machine->block_barrier(coolsd::simt::BarrierKind::count, predicate != 0, site);
}

inline void __threadfence() { coolsd::simt::machine->fence(); }
/* Within a block only barriers are recognised as order, so this has nothing to add. */
inline void __threadfence_block() {}
/* A polling loop that does nothing else may wait here: others run. */
inline void __nanosleep(unsigned) { coolsd::simt::machine->yield(); }

inline void __syncwarp(unsigned mask = 0xffffffff, coolsd::simt::Site site = coolsd::simt::Site::here()) {
  coolsd::simt::machine->collective(coolsd::simt::Collective::sync, mask, 0, 0, site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, coolsd::simt::Site site = coolsd::simt::Site::here()) {
  return static_cast<unsigned>(
      coolsd::simt::machine->collective(coolsd::simt::Collective::ballot, mask, predicate != 0, 0, site));
}
inline int __any_sync(unsigned mask, int predicate, coolsd::simt::Site site = coolsd::simt::Site::here()) {
  return static_cast<int>(
      coolsd::simt::machine->collective(coolsd::simt::Collective::any, mask, predicate != 0, 0, site));
}
inline int __all_sync(unsigned mask, int predicate, coolsd::simt::Site site = coolsd::simt::Site::here()) {
  return static_cast<int>(
      coolsd::simt::machine->collective(coolsd::simt::Collective::all, mask, predicate != 0, 0, site));
}
/* Every warp may be fully diverged at any time, and here it always is. */
inline unsigned __activemask() { return 1u << coolsd::simt::machine->running().lane; }

namespace coolsd::simt {

template <typename T>
T shuffle(unsigned mask, T value, unsigned source, Site site) {
  static_assert(std::is_arithmetic<T>::value && sizeof(T) <= 8, "shuffles move numbers of at most 8 bytes");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = machine->collective(Collective::shuffle, mask, bits, source, site);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace coolsd::simt

/* `width` cuts the warp into groups; a source outside the lane's group means the lane itself. */
template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              coolsd::simt::Site site = coolsd::simt::Site::here()) {
  const unsigned lane = coolsd::simt::machine->running().lane;
  const unsigned inside = static_cast<unsigned>(width) - 1;
  return coolsd::simt::shuffle(mask, value, (lane & ~inside) | (static_cast<unsigned>(source) & inside), site);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 coolsd::simt::Site site = coolsd::simt::Site::here()) {
  const unsigned lane = coolsd::simt::machine->running().lane;
  const unsigned place = lane & (static_cast<unsigned>(width) - 1);
  return coolsd::simt::shuffle(mask, value, delta <= place ? lane - delta : lane, site);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   coolsd::simt::Site site = coolsd::simt::Site::here()) {
  const unsigned lane = coolsd::simt::machine->running().lane;
  const unsigned place = lane & (static_cast<unsigned>(width) - 1);
  return coolsd::simt::shuffle(mask, value, delta < static_cast<unsigned>(width) - place ? lane + delta : lane, site);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  coolsd::simt::Site site = coolsd::simt::Site::here()) {
  const unsigned lane = coolsd::simt::machine->running().lane;
  const unsigned source = lane ^ static_cast<unsigned>(lane_mask);
  const unsigned end = (lane | (static_cast<unsigned>(width) - 1)) + 1;
  return coolsd::simt::shuffle(mask, value, source < end ? source : lane, site);
}

namespace cooperative_groups {

class grid_group {
 public:
  void sync(coolsd::simt::Site site = coolsd::simt::Site::here()) const { coolsd::simt::machine->grid_barrier(site); }
  unsigned long long size() const {
    return 1ull * gridDim.x * gridDim.y * gridDim.z * blockDim.x * blockDim.y * blockDim.z;
  }
  unsigned long long thread_rank() const { return coolsd::simt::machine->running().id; }
};

class thread_block {
 public:
  void sync(coolsd::simt::Site site = coolsd::simt::Site::here()) const { __syncthreads(site); }
  unsigned size() const { return blockDim.x * blockDim.y * blockDim.z; }
  unsigned thread_rank() const { return coolsd::simt::machine->running().id % size(); }
};

inline grid_group this_grid() { return {}; }
inline thread_block this_thread_block() { return {}; }

}  // namespace cooperative_groups

#endif
