/*
 * Who runs next: a seeded choice among the runnable threads. The seed also chooses how often the scheduler stays in a
 * block or warp, so that over many seeds finely interleaved schedules and nearly sequential ones both occur.
 */
#ifndef COOLSD_SIMT_SCHEDULER_H
#define COOLSD_SIMT_SCHEDULER_H

#include <cstdint>
#include <vector>

namespace coolsd::simt {

class Scheduler {
 public:
  struct Choice {
    uint32_t block;
    uint32_t warp;  // within the block
    uint32_t lane;
  };

  void reset(uint64_t seed, uint32_t blocks, uint32_t warps_per_block);
  /* Adds lanes of a warp to the runnable ones. */
  void add(uint32_t block, uint32_t warp, uint32_t lanes);
  bool empty() const { return runnable_.empty(); }
  /* Takes one thread out. Requires !empty(). */
  Choice take();
  /* The running thread only polls: let somebody else have the next turn, from anywhere in the grid. */
  void move_on() { stay_ = false; }

 private:
  struct BlockQueue {
    uint32_t warps = 0;  // bit w: warp w has runnable lanes
    uint32_t place = 0;  // index in runnable_
  };

  uint64_t random();

  uint64_t state_ = 0;
  uint32_t warps_per_block_ = 0;
  uint32_t stay_in_block_ = 0;  // out of 256
  uint32_t stay_in_warp_ = 0;
  bool stay_ = false;
  Choice last_{};
  std::vector<uint32_t> runnable_;  // blocks with a runnable thread
  std::vector<BlockQueue> blocks_;
  std::vector<uint32_t> lanes_;  // runnable lanes of each warp of the grid
};

}  // namespace coolsd::simt

#endif
