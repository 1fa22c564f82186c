#include "shadow.h"

#include <algorithm>

namespace coolsd::simt {

bool Shadow::ordered(uint32_t time, uint32_t other_id, const Thread& thread) const {
  if (other_id == thread.id || time < grid_.everyone_time) return true;
  const Thread& other = grid_.threads[other_id];
  if (other.block == thread.block) {
    if (time < grid_.blocks[thread.block].barrier_time) return true;
    if (other.warp == thread.warp) {
      const Warp& warp = grid_.warps[thread.warp];
      if (time < warp.sync_time) return true;
      if (warp.partial_sync && time < (*warp.partial_sync)[thread.lane * kWarpSize + other.lane]) return true;
    }
  }
  return visibility_.visible(time, other, thread);
}

bool Shadow::store_ordered(const Cell& cell, const Thread& thread) const {
  return cell.writer == Cell::kHost || ordered(cell.write_time, cell.writer, thread);
}

bool Shadow::loads_ordered(const Cell& cell, const Thread& thread) const {
  const uint32_t time = cell.read_time;
  if (cell.readers == Readers::none || time < grid_.everyone_time) return true;
  const uint32_t barrier = grid_.blocks[thread.block].barrier_time;
  switch (cell.readers) {
    case Readers::none:
      return true;
    case Readers::thread:
      return ordered(time, cell.reader, thread);
    case Readers::lanes: {
      const Warp& warp = grid_.warps[cell.reader];
      for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
        if ((cell.read_set >> lane & 1) && !ordered(time, warp.first_thread + lane, thread)) return false;
      }
      return true;
    }
    case Readers::block:
      return cell.reader == thread.block ? time < barrier : visibility_.visible(time, cell.reader, thread);
    case Readers::blocks:
      break;
  }
  // Beyond 32 blocks several share a bit: one ordered block clears it, or blocks that never read would be accused.
  uint32_t unordered = cell.read_set;
  for (uint32_t block = 0; block < grid_.blocks.size() && unordered != 0; ++block) {
    const uint32_t bit = 1u << block % 32;
    if (!(unordered & bit)) continue;
    if (block == thread.block ? time < barrier : visibility_.visible(time, block, thread)) unordered &= ~bit;
  }
  return unordered == 0;
}

void Shadow::add_reader(Cell& cell, const Thread& thread, int line) const {
  const auto alone = [&] {
    cell.readers = Readers::thread;
    cell.reader = thread.id;
    cell.read_time = grid_.now;
    cell.read_line = static_cast<uint16_t>(line);
  };
  const uint32_t lane_bit = 1u << thread.lane;
  const uint32_t block_bit = 1u << thread.block % 32;
  // Asking whether a set of blocks is ordered is slow; it cannot be before this block came to a barrier.
  const bool askable = cell.readers != Readers::blocks || cell.read_time < grid_.blocks[thread.block].barrier_time;
  if (cell.readers == Readers::none || (askable && loads_ordered(cell, thread))) {
    alone();
    return;
  }
  switch (cell.readers) {
    case Readers::none:
      break;
    case Readers::thread: {
      const Thread& other = grid_.threads[cell.reader];
      if (other.warp == thread.warp) {
        cell.readers = Readers::lanes;
        cell.reader = thread.warp;
        cell.read_set = 1u << other.lane | lane_bit;
      } else if (other.block == thread.block) {
        cell.readers = Readers::block;
        cell.reader = thread.block;
      } else {
        cell.readers = Readers::blocks;
        cell.read_set = 1u << other.block % 32 | block_bit;
      }
      break;
    }
    case Readers::lanes: {
      const uint32_t block = grid_.warps[cell.reader].block;
      if (cell.reader == thread.warp) {
        cell.read_set |= lane_bit;
      } else if (block == thread.block) {
        cell.readers = Readers::block;
        cell.reader = block;
      } else {
        cell.readers = Readers::blocks;
        cell.read_set = 1u << block % 32 | block_bit;
      }
      break;
    }
    case Readers::block:
      if (cell.reader != thread.block) {
        cell.readers = Readers::blocks;
        cell.read_set = 1u << cell.reader % 32 | block_bit;
      }
      break;
    case Readers::blocks:
      cell.read_set |= block_bit;
      break;
  }
}

Finding Shadow::with_store(const Cell& cell, const Thread& thread) const {
  const uint32_t block = grid_.threads[cell.writer].block;
  const bool fence = block != thread.block && visibility_.synchronised(cell.write_time, block, thread);
  return {fence ? Conflict::missing_fence : Conflict::race, true, cell.writer, cell.write_line};
}

Finding Shadow::with_load(const Cell& cell, const Thread& thread) const {
  uint32_t reader = cell.reader;
  if (cell.readers == Readers::lanes) {
    reader = grid_.warps[cell.reader].first_thread + static_cast<uint32_t>(__builtin_ctz(cell.read_set));
  } else if (cell.readers == Readers::block) {
    reader = cell.reader * grid_.block_threads;
  } else if (cell.readers == Readers::blocks) {
    const uint32_t others = cell.read_set & ~(1u << thread.block % 32);
    reader = static_cast<uint32_t>(__builtin_ctz(others ? others : cell.read_set)) * grid_.block_threads;
  }
  const uint32_t block = grid_.threads[reader].block;
  const bool fence = block != thread.block && visibility_.synchronised(cell.read_time, block, thread);
  return {fence ? Conflict::missing_fence : Conflict::race, false, reader, cell.read_line};
}

Finding Shadow::load(Cell* cell, std::size_t bytes, const Thread& thread, int line) const {
  for (Cell* end = cell + bytes; cell != end; ++cell) {
    if (cell->writer == Cell::kNobody) return {Conflict::uninitialised, true, 0, 0};
    if (!store_ordered(*cell, thread)) return with_store(*cell, thread);
    add_reader(*cell, thread, line);
  }
  return {};
}

Finding Shadow::store(Cell* cell, std::size_t bytes, const Thread& thread, int line) const {
  for (Cell* end = cell + bytes; cell != end; ++cell) {
    if (cell->writer != Cell::kNobody && !store_ordered(*cell, thread)) return with_store(*cell, thread);
    if (!loads_ordered(*cell, thread)) return with_load(*cell, thread);
    *cell = Cell{};
    cell->write_time = grid_.now;
    cell->writer = thread.id;
    cell->write_line = static_cast<uint16_t>(line);
  }
  return {};
}

Finding Shadow::atomic(Cell* cell, std::size_t bytes, const Thread& thread, int line, bool stores) const {
  for (Cell* end = cell + bytes; cell != end; ++cell) {
    if (cell->writer == Cell::kNobody) return {Conflict::uninitialised, true, 0, 0};
    if (!cell->atomic && !store_ordered(*cell, thread)) return with_store(*cell, thread);
    if (!stores) continue;
    if (!loads_ordered(*cell, thread)) return with_load(*cell, thread);
    *cell = Cell{};
    cell->write_time = grid_.now;
    cell->writer = thread.id;
    cell->write_line = static_cast<uint16_t>(line);
    cell->atomic = true;
  }
  return {};
}

}  // namespace coolsd::simt
