/*
 * State of a launch. Time is a counter that every synchronising event (barrier, warp rendezvous, fence, atomic)
 * advances; a memory access is stamped with the time at which it happened, so "before that barrier" is `stamp < time
 * of the barrier`.
 */
#ifndef COOLSD_SIMT_GRID_H
#define COOLSD_SIMT_GRID_H

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/vector_types.h"
#include "fiber.h"
#include "site.h"

namespace coolsd::simt {

constexpr uint32_t kWarpSize = 32;

enum class Wait : uint8_t { nothing, collective, block_barrier, grid_barrier, exited };

struct Thread {
  uint32_t id = 0;  // within the grid
  uint32_t block = 0;
  uint32_t warp = 0;  // within the grid
  uint32_t lane = 0;
  Wait wait = Wait::nothing;
  bool polls = false;   // its last event was an atomic that changed nothing
  Site site;            // where it waits, or its last atomic
  uint64_t result = 0;  // of the collective or barrier it waited for
  uint3 index;
  Fiber fiber;
};

enum class Collective : uint8_t { sync, shuffle, ballot, any, all };
enum class BarrierKind : uint8_t { sync, logical_or, logical_and, count };

/* Lanes on their way to one warp collective. */
struct Rendezvous {
  uint32_t mask;
  uint32_t arrived;
  Collective kind;
  Site site;
};

struct Warp {
  uint32_t first_thread = 0;
  uint32_t block = 0;
  uint32_t lanes = 0;  // those that exist
  uint32_t exited = 0;
  uint32_t at_barrier = 0;  // waiting for their block or grid
  uint32_t sync_time = 0;   // last __syncwarp of all lanes
  // Last __syncwarp of subsets: [a * 32 + b] is the time up to which lane b's accesses happened before lane a's.
  std::unique_ptr<std::array<uint32_t, kWarpSize * kWarpSize>> partial_sync;
  std::vector<Rendezvous> open;
  std::array<uint64_t, kWarpSize> value{};
  std::array<uint32_t, kWarpSize> source{};
};

struct Block {
  uint3 index;
  uint32_t arrived = 0;
  uint32_t exited = 0;
  uint32_t votes = 0;
  BarrierKind kind = BarrierKind::sync;
  Site site;                  // of the first to arrive
  uint32_t barrier_time = 0;  // last __syncthreads
};

struct Grid {
  dim3 grid_dim;
  dim3 block_dim;
  uint32_t block_threads = 0;
  uint32_t block_warps = 0;
  uint32_t now = 0;
  uint32_t everyone_time = 0;  // launch or last grid-wide barrier: all accesses before it happened before all after it
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<Block> blocks;

  uint32_t tick() { return ++now; }
};

}  // namespace coolsd::simt

#endif
