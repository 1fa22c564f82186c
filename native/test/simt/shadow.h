/*
 * The shadow of one byte of shared or of writable global memory: who stored it last and who has loaded it since. Two
 * accesses to a byte, at least one of them a store, must be ordered by a barrier, by __syncwarp, or, between blocks,
 * by the chain that Visibility describes; two atomics need no order.
 *
 * Readers are kept as one thread or, when unordered ones come together, as a set of lanes, of warps or of blocks with
 * the time of the first. That never accuses a correct kernel; it can miss a conflict with a later one of several
 * unordered readers, which another schedule shows.
 */
#ifndef COOLSD_SIMT_SHADOW_H
#define COOLSD_SIMT_SHADOW_H

#include <cstddef>
#include <cstdint>

#include "grid.h"
#include "visibility.h"

namespace coolsd::simt {

enum class Readers : uint8_t { none, thread, lanes, block, blocks };

struct Cell {
  static constexpr uint32_t kNobody = 0xffffffff;  // never stored: uninitialised
  static constexpr uint32_t kHost = 0xfffffffe;    // initialised before the launch

  uint32_t write_time = 0;
  uint32_t writer = kNobody;
  uint32_t read_time = 0;
  uint32_t reader = 0;    // thread, warp or block, as `readers` says
  uint32_t read_set = 0;  // lanes of the warp, or blocks modulo 32
  uint16_t write_line = 0;
  uint16_t read_line = 0;
  Readers readers = Readers::none;
  bool atomic = false;  // the last store was an atomic
};

/* Why an access is wrong. */
enum class Conflict : uint8_t { none, uninitialised, race, missing_fence };

struct Finding {
  Conflict conflict = Conflict::none;
  bool with_store = false;  // the earlier access was a store
  uint32_t thread = 0;      // who made it; of several readers one
  int line = 0;
};

class Shadow {
 public:
  Shadow(const Grid& grid, const Visibility& visibility) : grid_(grid), visibility_(visibility) {}

  /* Each checks `bytes` cells against the accesses before and enters this one; the first conflict wins. */
  Finding load(Cell* cell, std::size_t bytes, const Thread& thread, int line) const;
  Finding store(Cell* cell, std::size_t bytes, const Thread& thread, int line) const;
  Finding atomic(Cell* cell, std::size_t bytes, const Thread& thread, int line, bool stores) const;

 private:
  bool ordered(uint32_t time, uint32_t other, const Thread& thread) const;
  bool store_ordered(const Cell& cell, const Thread& thread) const;
  bool loads_ordered(const Cell& cell, const Thread& thread) const;
  void add_reader(Cell& cell, const Thread& thread, int line) const;
  Finding with_store(const Cell& cell, const Thread& thread) const;
  Finding with_load(const Cell& cell, const Thread& thread) const;

  const Grid& grid_;
  const Visibility& visibility_;
};

}  // namespace coolsd::simt

#endif
