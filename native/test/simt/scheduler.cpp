#include "scheduler.h"

namespace coolsd::simt {
namespace {

/* A set bit of a mask that is not zero, the first at or after a random place. */
uint32_t some_bit(uint32_t mask, uint32_t random) {
  const uint32_t turn = random & 31;
  const uint32_t turned = mask >> turn | mask << ((32 - turn) & 31);
  return (static_cast<uint32_t>(__builtin_ctz(turned)) + turn) & 31;
}

}  // namespace

void Scheduler::reset(uint64_t seed, uint32_t blocks, uint32_t warps_per_block) {
  state_ = seed;
  warps_per_block_ = warps_per_block;
  const uint32_t choices[] = {0, 128, 250};
  const uint64_t draw = random();
  stay_in_block_ = choices[draw % 3];
  stay_in_warp_ = choices[draw / 3 % 3];
  stay_ = false;
  runnable_.clear();
  blocks_.assign(blocks, {});
  lanes_.assign(std::size_t{blocks} * warps_per_block, 0);
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t Scheduler::random() {
  uint64_t z = state_ += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

void Scheduler::add(uint32_t block, uint32_t warp, uint32_t lanes) {
  if (lanes == 0) return;
  lanes_[std::size_t{block} * warps_per_block_ + warp] |= lanes;
  BlockQueue& queue = blocks_[block];
  if (queue.warps == 0) {
    queue.place = static_cast<uint32_t>(runnable_.size());
    runnable_.push_back(block);
  }
  queue.warps |= 1u << warp;
}

Scheduler::Choice Scheduler::take() {
  const uint64_t bits = random();
  Choice next = last_;
  const bool same_block = stay_ && blocks_[last_.block].warps != 0 && (bits & 255) < stay_in_block_;
  if (!same_block) next.block = runnable_[((bits >> 32) * runnable_.size()) >> 32];
  BlockQueue& queue = blocks_[next.block];
  const bool same_warp = same_block && (queue.warps >> last_.warp & 1) && (bits >> 8 & 255) < stay_in_warp_;
  if (!same_warp) next.warp = some_bit(queue.warps, static_cast<uint32_t>(bits >> 16));
  uint32_t& lanes = lanes_[std::size_t{next.block} * warps_per_block_ + next.warp];
  next.lane = some_bit(lanes, static_cast<uint32_t>(bits >> 24));
  lanes &= ~(1u << next.lane);
  if (lanes == 0) queue.warps &= ~(1u << next.warp);
  if (queue.warps == 0) {
    const uint32_t moved = runnable_.back();
    runnable_[queue.place] = moved;
    blocks_[moved].place = queue.place;
    runnable_.pop_back();
  }
  stay_ = true;
  last_ = next;
  return next;
}

}  // namespace coolsd::simt
