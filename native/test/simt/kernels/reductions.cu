/* Kernels that keep to the rules: every schedule gives the same sum. They compile under nvcc as they stand. */
#include <cooperative_groups.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

#include "common/memory.cuh"

namespace coolsd {
namespace reductions {

constexpr unsigned kWholeWarp = 0xffffffffu;

__device__ __forceinline__ unsigned warp_sum(unsigned value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(kWholeWarp, value, distance);
  return value;
}

/* The sum of one value per thread, in every thread. */
__device__ unsigned block_sum(unsigned value) {
  __shared__ unsigned partial[32];
  const unsigned warp = threadIdx.x / warpSize;
  value = warp_sum(value);
  if (threadIdx.x % warpSize == 0) store_shared(partial, warp, value);
  __syncthreads();
  unsigned total = 0;
  for (unsigned w = 0; w < blockDim.x / warpSize; ++w) total += load_shared(partial, w);
  // The next call stores to partial again.
  __syncthreads();
  return total;
}

/* out[block] = sum of the block's slice of in [n]. */
__global__ void __launch_bounds__(1024) sum_per_block(const unsigned* __restrict__ in, unsigned n, unsigned* out) {
  unsigned sum = 0;
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    sum += load_global(in + i);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) store_global(out + blockIdx.x, sum);
}

/* The same through a tree in dynamic shared memory of blockDim.x words, as in the books. */
__global__ void sum_by_tree(const unsigned* in, unsigned* out) {
  extern __shared__ unsigned tree[];
  store_shared(tree + threadIdx.x, load_global(in + blockIdx.x * blockDim.x + threadIdx.x));
  __syncthreads();
  for (unsigned width = blockDim.x / 2; width > 0; width /= 2) {
    if (threadIdx.x < width) {
      store_shared(tree + threadIdx.x, load_shared(tree + threadIdx.x) + load_shared(tree + threadIdx.x + width));
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) store_global(out + blockIdx.x, load_shared(tree));
}

/* out[i] = in[0] + ... + in[i] within each warp. */
__global__ void scan_per_warp(const float* in, float* out) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = load_global(in + i);
  for (unsigned distance = 1; distance < 32; distance *= 2) {
    const float left = __shfl_up_sync(kWholeWarp, sum, distance);
    if (threadIdx.x % 32 >= distance) sum += left;
  }
  store_global(out + i, sum);
}

/* Exchange through shared memory inside a warp, ordered by __syncwarp of half warps. */
__global__ void reverse_half_warps(const int* in, int* out) {
  __shared__ int slots[1024];
  const unsigned i = threadIdx.x;
  store_shared(slots, i, load_global(in + i));
  __syncwarp(i % 32 < 16 ? 0x0000ffffu : 0xffff0000u);
  store_global(out + i, load_shared(slots, i ^ 15u));
}

/* Both phases in one launch: *out in every block; partial [gridDim.x] is workspace. */
__global__ void sum_grid_cooperative(const unsigned* in, unsigned n, unsigned* partial, unsigned* out) {
  unsigned sum = 0;
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    sum += load_global(in + i);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) store_workspace(partial + blockIdx.x, sum);
  cooperative_groups::this_grid().sync();
  sum = threadIdx.x < gridDim.x ? load_workspace(partial + threadIdx.x) : 0;
  sum = block_sum(sum);
  if (blockIdx.x == 0 && threadIdx.x == 0) store_global(out, sum);
}

/* A barrier for the grid, made by hand: *arrived counts up for ever and starts at a multiple of gridDim.x. */
__device__ void hand_made_barrier(unsigned* arrived) {
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    const unsigned before = atomicAdd(arrived, 1);
    const unsigned goal = before - before % gridDim.x + gridDim.x;
    while (load_relaxed(arrived) < goal) {
    }
    __threadfence();
  }
  __syncthreads();
}

/* Three rounds over the same workspace, so that a round's stores follow the loads of the one before. */
__global__ void sum_grid_hand_made(const unsigned* in, unsigned n, unsigned* partial, unsigned* arrived,
                                   unsigned* out) {
  for (unsigned round = 0; round < 3; ++round) {
    unsigned sum = 0;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
      sum += load_global(in + i) + round;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) store_workspace(partial + blockIdx.x, sum);
    hand_made_barrier(arrived);
    sum = threadIdx.x < gridDim.x ? load_workspace(partial + threadIdx.x) : 0;
    sum = block_sum(sum);
    if (blockIdx.x == 0 && threadIdx.x == 0) store_global(out + round, sum);
    hand_made_barrier(arrived);
  }
}

/* The block that arrives last adds up; each writing thread fences for itself. *arrived starts at 0. */
__global__ void sum_by_last_block(const unsigned* in, unsigned* partial, unsigned* arrived, unsigned* out) {
  const unsigned sum = block_sum(load_global(in + blockIdx.x * blockDim.x + threadIdx.x));
  bool last = false;
  if (threadIdx.x == 0) {
    store_workspace(partial + blockIdx.x, sum);
    last = add_release(arrived, 1) == gridDim.x - 1;
    __threadfence();
  }
  if (!__syncthreads_or(last)) return;
  if (threadIdx.x == 0) {
    unsigned total = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) total += load_workspace(partial + b);
    store_global(out, total);
  }
}

/* Sum of exp(x - shift) over in [n] of 4-float groups; the shape of the project's hot loop. out [gridDim.x]. */
__global__ void __launch_bounds__(256) sum_exp(const float* in, unsigned n, float shift, float* out) {
  float sum = 0;
  for (unsigned i = 4 * (blockIdx.x * blockDim.x + threadIdx.x); i + 3 < n; i += 4 * gridDim.x * blockDim.x) {
    const uint4 bits = load_global_16(in + i);
    sum += __expf(__uint_as_float(bits.x) - shift) + __expf(__uint_as_float(bits.y) - shift) +
           __expf(__uint_as_float(bits.z) - shift) + __expf(__uint_as_float(bits.w) - shift);
  }
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(kWholeWarp, sum, distance);
  __shared__ float partial[8];
  if (threadIdx.x % 32 == 0) store_shared(partial, threadIdx.x / 32, sum);
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (unsigned w = 1; w < blockDim.x / 32; ++w) sum += load_shared(partial, w);
  store_global(out + blockIdx.x, sum);
}

/* Histogram of in [n] over 16 bins: shared atomics, then global ones. bins starts at 0. */
__global__ void histogram(const unsigned* in, unsigned n, unsigned* bins) {
  unsigned* local = dynamic_shared<unsigned>();
  if (threadIdx.x < 16) store_shared(local + threadIdx.x, 0);
  __syncthreads();
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    atomicAdd(local + load_global(in + i) % 16, 1u);
  }
  __syncthreads();
  if (threadIdx.x < 16) atomicAdd(bins + threadIdx.x, load_shared(local + threadIdx.x));
}

/* Voting barriers and warp votes; out [6] per block. */
__global__ void votes(int* out) {
  const int odd = threadIdx.x % 2;
  const int count = __syncthreads_count(odd);
  const int any = __syncthreads_or(threadIdx.x == 5);
  const int all = __syncthreads_and(threadIdx.x != 5);
  const unsigned ballot = __ballot_sync(kWholeWarp, odd);
  const int warp_any = __any_sync(kWholeWarp, threadIdx.x == 40);
  const int warp_all = __all_sync(kWholeWarp, threadIdx.x != 40);
  if (threadIdx.x == 32) {
    const int values[6] = {count, any, all, static_cast<int>(ballot), warp_any, warp_all};
    for (int i = 0; i < 6; ++i) store_global(out + 6 * blockIdx.x + i, values[i]);
  }
}

}  // namespace reductions
}  // namespace coolsd
