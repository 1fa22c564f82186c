/*
 * What one block may know of another's memory accesses.
 *
 * An access of block A happened before an access of block B if A fenced it (the accessing thread itself, or, after a
 * __syncthreads, any thread of A), then an atomic of A was observed by an atomic of B on the same address, then the
 * observer fenced, then B came to its access (in program order or through a __syncthreads or __syncwarp). Chains over third blocks
 * count. The same chain without fences is followed too, only to tell a forgotten fence from a forgotten barrier.
 */
#ifndef COOLSD_SIMT_VISIBILITY_H
#define COOLSD_SIMT_VISIBILITY_H

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grid.h"

namespace coolsd::simt {

class Visibility {
 public:
  explicit Visibility(Grid& grid) : grid_(grid) {}

  void reset();
  void fence(const Thread& thread);
  /* An atomic on global memory that wrote: what the thread's fences cover can be learned at this address. */
  void publish(const Thread& thread, uintptr_t address);
  /* An atomic that read: learns what was published, effective at the thread's next fence. */
  void observe(const Thread& thread, uintptr_t address);
  /* After a __syncwarp each of these threads, of one warp, knows what any of them knew. */
  void warp_barrier(const std::vector<uint32_t>& threads);
  /* After a __syncthreads all threads of the block know what one of them knew. */
  void block_barrier(uint32_t block);

  /* Whether an access stamped `time` by `other` happened before what `reader` does now, by way of fences. */
  bool visible(uint32_t time, const Thread& other, const Thread& reader) const;
  /* The same for accesses of several threads of a block, where one of them suffices. */
  bool visible(uint32_t time, uint32_t block, const Thread& reader) const;
  /* The same without asking for fences. */
  bool synchronised(uint32_t time, uint32_t block, const Thread& reader) const;

 private:
  struct Fence {
    uint32_t time;
    uint32_t thread;
    uint32_t block_before;  // accesses of the thread's block before this time are covered too
    uint32_t warp_before;   // accesses of the thread's warp
  };

  /* Which fences are known: of block b those before barrier[b]; of a thread in `threads` those before its time. */
  struct Knowledge {
    std::vector<uint32_t> barrier;
    std::vector<std::pair<uint32_t, uint32_t>> threads;

    bool empty() const { return barrier.empty(); }
    void clear();
    void learn(const Knowledge& other);
    void learn(uint32_t thread, uint32_t time);
    bool knows(const Fence& fence, uint32_t block) const;
  };

  struct Horizon {
    Knowledge effective;
    Knowledge awaiting_fence;
    std::vector<uint32_t> unfenced;  // per block: its last atomic that was observed, fences or not
  };

  static void raise(std::vector<uint32_t>& times, const std::vector<uint32_t>& to);
  template <typename Covers>
  bool known_fence(uint32_t time, uint32_t block, const Thread& reader, Covers covers) const;

  Grid& grid_;
  std::vector<std::vector<Fence>> fences_;  // per block, by time
  std::vector<bool> has_fenced_;            // per thread
  std::vector<Horizon> block_;
  std::unordered_map<uint32_t, Horizon> thread_;      // what a thread learned since its block's last barrier
  std::vector<std::vector<uint32_t>> learners_;       // per block: threads in thread_
  std::unordered_map<uintptr_t, Horizon> published_;  // per address; awaiting_fence unused
};

}  // namespace coolsd::simt

#endif
