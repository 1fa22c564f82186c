/* Each kernel breaks one rule, and is otherwise like one of reductions.cu. */
#include <cooperative_groups.h>
#include <stdint.h>

#include "common/memory.cuh"

namespace coolsd {
namespace defects {

constexpr unsigned kWholeWarp = 0xffffffffu;

/* Tree reduction whose loop forgets the __syncthreads. */
__global__ void removed_syncthreads(const unsigned* in, unsigned* out) {
  unsigned* tree = dynamic_shared<unsigned>();
  store_shared(tree + threadIdx.x, load_global(in + threadIdx.x));
  __syncthreads();
  for (unsigned width = blockDim.x / 2; width > 0; width /= 2) {
    if (threadIdx.x < width) {
      store_shared(tree + threadIdx.x, load_shared(tree + threadIdx.x) + load_shared(tree + threadIdx.x + width));
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) store_global(out, load_shared(tree));
}

/* Every thread stores to the same word. */
__global__ void shared_store_store(unsigned* out) {
  __shared__ unsigned word[1];
  store_shared(word, 0, threadIdx.x);
  __syncthreads();
  if (threadIdx.x == 0) store_global(out, load_shared(word, 0));
}

/* Lanes of a warp exchange through shared memory with a shuffle, which orders nothing, in place of __syncwarp. */
__global__ void warp_exchange_without_syncwarp(unsigned* out) {
  __shared__ unsigned slots[32];
  store_shared(slots, threadIdx.x, threadIdx.x);
  const unsigned neighbour = __shfl_xor_sync(kWholeWarp, threadIdx.x, 1);
  store_global(out + threadIdx.x, load_shared(slots, neighbour));
}

/* The barrier after the loads is missing: the second round's stores meet the first round's loads. */
__global__ void shared_load_store(unsigned* out) {
  __shared__ unsigned slots[64];
  unsigned sum = 0;
  for (unsigned round = 0; round < 2; ++round) {
    store_shared(slots, threadIdx.x, threadIdx.x + round);
    __syncthreads();
    sum += load_shared(slots, 63 - threadIdx.x);
  }
  store_global(out + threadIdx.x, sum);
}

/* n is one too large for the buffer if blockDim.x divides it. */
__global__ void load_past_end(const float* in, unsigned n, float* out) {
  float sum = 0;
  for (unsigned i = threadIdx.x; i <= n; i += blockDim.x) sum += load_global(in + i);
  store_global(out + threadIdx.x, sum);
}

__global__ void load_before_start(const float* in, float* out) { store_global(out, load_global(in - 1)); }

__global__ void store_to_input(const float* in) { store_global(const_cast<float*>(in), 1.0f); }

__global__ void misaligned_vector(const float* in, unsigned* out) { store_global(out, load_global_16(in + 1).x); }

__global__ void shared_index_past_end(unsigned* out) {
  __shared__ unsigned slots[32];
  store_shared(slots, threadIdx.x, 1);
  __syncthreads();
  store_global(out, load_shared(slots, blockDim.x));
}

__global__ void dynamic_shared_past_end() {
  extern __shared__ unsigned words[];
  store_shared(words + threadIdx.x, threadIdx.x);
}

__global__ void uninitialised_shared(unsigned* out) {
  __shared__ unsigned slots[64];
  if (threadIdx.x < 63) store_shared(slots, threadIdx.x, threadIdx.x);
  __syncthreads();
  store_global(out + threadIdx.x, load_shared(slots, threadIdx.x));
}

/* Adds to a sum that nobody has set to zero. */
__global__ void uninitialised_workspace(unsigned* sum) {
  if (threadIdx.x == 0) store_workspace(sum + blockIdx.x, load_workspace(sum + blockIdx.x) + 1);
}

__global__ void uninitialised_counter(unsigned* counter) { atomicAdd(counter, 1u); }

/* A barrier inside a branch that half of the block takes. */
__global__ void barrier_in_branch(unsigned* out) {
  if (threadIdx.x < blockDim.x / 2) __syncthreads();
  if (threadIdx.x == 0) store_global(out, 1);
}

/* The two halves of the block wait at different barriers. */
__global__ void two_barriers(unsigned* out) {
  if (threadIdx.x < blockDim.x / 2) {
    __syncthreads();
  } else {
    store_global(out + threadIdx.x, 1);
    __syncthreads();
  }
}

/* Threads beyond n leave before the barrier. */
__global__ void early_exit(unsigned n, unsigned* out) {
  if (threadIdx.x >= n) return;
  __syncthreads();
  if (threadIdx.x == 0) store_global(out, 1);
}

/* One block skips the grid barrier. */
__global__ void grid_barrier_without_a_block() {
  if (blockIdx.x != 1) cooperative_groups::this_grid().sync();
}

enum class Omit { nothing, writer_fence, reader_fence, barrier, block_barrier };

/* Two-phase grid sum with a hand-made barrier from which one part is left out. */
template <Omit omit>
__global__ void grid_sum(unsigned* partial, unsigned* arrived, unsigned* out) {
  // Thread 1 writes and thread 0 arrives, so that the __syncthreads between them counts.
  if (threadIdx.x == 1) store_workspace(partial + blockIdx.x, blockIdx.x);
  if (omit != Omit::block_barrier) __syncthreads();
  if (omit != Omit::barrier && threadIdx.x == 0) {
    if (omit != Omit::writer_fence) __threadfence();
    atomicAdd(arrived, 1u);
    while (load_relaxed(arrived) < gridDim.x) {
    }
    if (omit != Omit::reader_fence) __threadfence();
  }
  __syncthreads();
  if (threadIdx.x == 2) {
    unsigned sum = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) sum += load_workspace(partial + b);
    store_global(out + blockIdx.x, sum);
  }
}

/* A block stores its next value while others may still load the last: one grid barrier per round where two are due. */
__global__ void grid_load_store(unsigned* partial) {
  for (unsigned round = 0; round < 2; ++round) {
    if (threadIdx.x == 0) store_workspace(partial + blockIdx.x, round);
    cooperative_groups::this_grid().sync();
    if (threadIdx.x < gridDim.x) load_workspace(partial + threadIdx.x);
  }
}

/* All blocks store the result. */
__global__ void all_blocks_store(unsigned* out) {
  if (threadIdx.x == 0) store_global(out, 1);
}

/* Waits for one block more than there is. */
__global__ void wait_for_nobody(unsigned* arrived) {
  if (threadIdx.x == 0) {
    atomicAdd(arrived, 1u);
    while (load_acquire(arrived) <= gridDim.x) {
    }
  }
  __syncthreads();
}

/* A lock that is never given back. */
__global__ void forgotten_unlock(unsigned* lock) {
  while (atomicCAS(lock, 0u, 1u) != 0) {
  }
}

/* Lane 7 goes to the barrier while its warp's shuffle waits for it. */
__global__ void missing_lane(unsigned* out) {
  unsigned value = threadIdx.x;
  if (threadIdx.x != 7) value = __shfl_xor_sync(kWholeWarp, value, 1);
  __syncthreads();
  store_global(out + threadIdx.x, value);
}

__global__ void exited_lane(unsigned* out) {
  if (threadIdx.x == 7) return;
  store_global(out + threadIdx.x, __ballot_sync(kWholeWarp, 1));
}

/* Two halves name each other's lanes, and wait for ever. */
__global__ void crossed_masks() {
  const unsigned lane = threadIdx.x % 32;
  __syncwarp(lane < 16 ? 0x0001ffffu : 0xffff8000u);
}

/* Unordered plain load of a word that others change atomically. */
__global__ void plain_poll(unsigned* flag, unsigned* out) {
  if (threadIdx.x == 0) {
    atomicAdd(flag, 1u);
  } else {
    store_global(out, load_global(flag));
  }
}

/* Writes shared memory as plain C++. */
__global__ void plain_shared_store(unsigned* out) {
  __shared__ unsigned slots[32];
  slots[threadIdx.x] = threadIdx.x + 1;
  __syncthreads();
  store_global(out + threadIdx.x, slots[31 - threadIdx.x]);
}

}  // namespace defects
}  // namespace coolsd
