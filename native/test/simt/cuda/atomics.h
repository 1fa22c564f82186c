/*
 * CUDA's atomics on integers, in global or shared memory. Each is a scheduling point. There are none on floats: their
 * order would decide the result, and the project's kernels are deterministic.
 */
#ifndef COOLSD_SIMT_CUDA_ATOMICS_H
#define COOLSD_SIMT_CUDA_ATOMICS_H

#include "../accessors.h"

#define COOLSD_SIMT_ATOMIC(name, T, next)                                                    \
  inline T name(T* address, T value, coolsd::simt::Site site = coolsd::simt::Site::here()) { \
    return coolsd::simt::update_atomic(address, site, [&](T old) -> T { return (next); });   \
  }
#define COOLSD_SIMT_ATOMICS(T, U)                                                                             \
  COOLSD_SIMT_ATOMIC(atomicAdd, T, static_cast<T>(static_cast<U>(old) + static_cast<U>(value)))               \
  COOLSD_SIMT_ATOMIC(atomicMax, T, old < value ? value : old)                                                 \
  COOLSD_SIMT_ATOMIC(atomicMin, T, value < old ? value : old)                                                 \
  COOLSD_SIMT_ATOMIC(atomicExch, T, ((void)old, value))                                                       \
  COOLSD_SIMT_ATOMIC(atomicAnd, T, old& value)                                                                \
  COOLSD_SIMT_ATOMIC(atomicOr, T, old | value)                                                                \
  COOLSD_SIMT_ATOMIC(atomicXor, T, old ^ value)                                                               \
  inline T atomicCAS(T* address, T expected, T value, coolsd::simt::Site site = coolsd::simt::Site::here()) { \
    return coolsd::simt::update_atomic(address, site, [&](T old) { return old == expected ? value : old; });  \
  }

COOLSD_SIMT_ATOMICS(int, unsigned)
COOLSD_SIMT_ATOMICS(unsigned, unsigned)
COOLSD_SIMT_ATOMICS(unsigned long long, unsigned long long)
COOLSD_SIMT_ATOMIC(atomicSub, int, static_cast<int>(static_cast<unsigned>(old) - static_cast<unsigned>(value)))
COOLSD_SIMT_ATOMIC(atomicSub, unsigned, old - value)

#undef COOLSD_SIMT_ATOMICS
#undef COOLSD_SIMT_ATOMIC

#endif
