/*
 * Gives meaning to the CUDA of the project's kernels on a CPU: include it, then the .cu file, then use Executor.
 * g++ must find native/test/simt/cuda_include, where <cuda_fp16.h> and its kin lead back here, and kernels/.
 *
 * What a kernel must keep to, besides CUDA's own rules:
 * - global and shared memory is accessed through kernels/common/memory.cuh and CUDA's atomics; plain C++ accesses are
 *   for registers and local arrays;
 * - polling is done with an atomic or an atomic load of memory.cuh, never with a plain or volatile read: every atomic
 *   lets other threads run, a plain loop would hang;
 * - no <<<...>>>, no inline PTX outside #ifdef __CUDACC__.
 */
#ifndef COOLSD_SIMT_CUDA_ON_CPU_H
#define COOLSD_SIMT_CUDA_ON_CPU_H

#define COOLSD_SIMT 1

#define __global__ __attribute__((unused))
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
// One copy per block: see shared_variables.h.
#define __shared__ thread_local

#include "accessors.h"
#include "cuda/atomics.h"
#include "cuda/half.h"
#include "cuda/math.h"
#include "cuda/sync.h"
#include "cuda/vector_types.h"
#include "executor.h"

template <typename T>
T __ldg(const T* pointer, coolsd::simt::Site site = coolsd::simt::Site::here()) {
  return coolsd::simt::load_global(pointer, site);
}

#endif
