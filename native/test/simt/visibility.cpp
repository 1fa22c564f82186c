#include "visibility.h"

#include <algorithm>

namespace coolsd::simt {

void Visibility::Knowledge::clear() {
  barrier.clear();
  threads.clear();
}

void Visibility::Knowledge::learn(const Knowledge& other) {
  if (other.empty()) return;
  raise(barrier, other.barrier);
  for (const auto& [thread, time] : other.threads) learn(thread, time);
}

void Visibility::Knowledge::learn(uint32_t thread, uint32_t time) {
  const auto place = std::lower_bound(threads.begin(), threads.end(), std::make_pair(thread, 0u));
  if (place != threads.end() && place->first == thread) {
    place->second = std::max(place->second, time);
  } else {
    threads.insert(place, {thread, time});
  }
}

bool Visibility::Knowledge::knows(const Fence& fence, uint32_t block) const {
  if (empty()) return false;
  if (fence.time < barrier[block]) return true;
  const auto place = std::lower_bound(threads.begin(), threads.end(), std::make_pair(fence.thread, 0u));
  return place != threads.end() && place->first == fence.thread && fence.time < place->second;
}

void Visibility::raise(std::vector<uint32_t>& times, const std::vector<uint32_t>& to) {
  if (to.empty()) return;
  if (times.empty()) {
    times = to;
    return;
  }
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = std::max(times[i], to[i]);
}

void Visibility::reset() {
  const std::size_t blocks = grid_.blocks.size();
  fences_.assign(blocks, {});
  has_fenced_.assign(grid_.threads.size(), false);
  block_.assign(blocks, {});
  learners_.assign(blocks, {});
  thread_.clear();
  published_.clear();
}

void Visibility::fence(const Thread& thread) {
  has_fenced_[thread.id] = true;
  fences_[thread.block].push_back(
      {grid_.tick(), thread.id, grid_.blocks[thread.block].barrier_time, grid_.warps[thread.warp].sync_time});
  const Knowledge& shared = block_[thread.block].awaiting_fence;
  const auto own = thread_.find(thread.id);
  if (own == thread_.end()) {
    if (shared.empty()) return;
    learners_[thread.block].push_back(thread.id);
    thread_[thread.id].effective.learn(shared);
    return;
  }
  own->second.effective.learn(shared);
  own->second.effective.learn(own->second.awaiting_fence);
  own->second.awaiting_fence.clear();
}

void Visibility::publish(const Thread& thread, uintptr_t address) {
  const std::size_t blocks = grid_.blocks.size();
  const uint32_t time = grid_.tick();
  Horizon& place = published_[address];
  const Horizon& block = block_[thread.block];
  const auto own = thread_.find(thread.id);

  if (place.unfenced.empty()) place.unfenced.assign(blocks, 0);
  raise(place.unfenced, block.unfenced);
  if (own != thread_.end()) raise(place.unfenced, own->second.unfenced);
  place.unfenced[thread.block] = time;

  if (place.effective.empty()) place.effective.barrier.assign(blocks, 0);
  place.effective.learn(block.effective);
  if (own != thread_.end()) place.effective.learn(own->second.effective);
  place.effective.barrier[thread.block] = grid_.blocks[thread.block].barrier_time;
  if (has_fenced_[thread.id]) place.effective.learn(thread.id, time);
}

void Visibility::observe(const Thread& thread, uintptr_t address) {
  const auto place = published_.find(address);
  if (place == published_.end()) return;
  const auto [own, fresh] = thread_.try_emplace(thread.id);
  if (fresh) learners_[thread.block].push_back(thread.id);
  raise(own->second.unfenced, place->second.unfenced);
  own->second.awaiting_fence.learn(place->second.effective);
}

void Visibility::warp_barrier(const std::vector<uint32_t>& threads) {
  Horizon joined;
  bool any = false;
  for (const uint32_t thread : threads) {
    const auto own = thread_.find(thread);
    if (own == thread_.end()) continue;
    any = true;
    joined.effective.learn(own->second.effective);
    joined.awaiting_fence.learn(own->second.awaiting_fence);
    raise(joined.unfenced, own->second.unfenced);
  }
  if (!any) return;
  for (const uint32_t thread : threads) {
    const auto [own, fresh] = thread_.try_emplace(thread);
    if (fresh) learners_[grid_.threads[thread].block].push_back(thread);
    own->second = joined;
  }
}

void Visibility::block_barrier(uint32_t block) {
  Horizon& all = block_[block];
  for (const uint32_t learner : learners_[block]) {
    const Horizon& own = thread_[learner];
    all.effective.learn(own.effective);
    all.awaiting_fence.learn(own.awaiting_fence);
    raise(all.unfenced, own.unfenced);
    thread_.erase(learner);
  }
  learners_[block].clear();
}

template <typename Covers>
bool Visibility::known_fence(uint32_t time, uint32_t block, const Thread& reader, Covers covers) const {
  const std::vector<Fence>& fences = fences_[block];
  auto fence = std::upper_bound(fences.begin(), fences.end(), time,
                                [](uint32_t stamp, const Fence& f) { return stamp < f.time; });
  const auto own = thread_.find(reader.id);
  for (; fence != fences.end(); ++fence) {
    if (!covers(*fence)) continue;
    if (block_[reader.block].effective.knows(*fence, block)) return true;
    if (own != thread_.end() && own->second.effective.knows(*fence, block)) return true;
  }
  return false;
}

bool Visibility::visible(uint32_t time, const Thread& other, const Thread& reader) const {
  return known_fence(time, other.block, reader, [&](const Fence& fence) {
    return fence.thread == other.id || time < fence.block_before ||
           (time < fence.warp_before && grid_.threads[fence.thread].warp == other.warp);
  });
}

bool Visibility::visible(uint32_t time, uint32_t block, const Thread& reader) const {
  return known_fence(time, block, reader, [](const Fence&) { return true; });
}

bool Visibility::synchronised(uint32_t time, uint32_t block, const Thread& reader) const {
  const std::vector<uint32_t>& all = block_[reader.block].unfenced;
  if (!all.empty() && time < all[block]) return true;
  const auto own = thread_.find(reader.id);
  return own != thread_.end() && !own->second.unfenced.empty() && time < own->second.unfenced[block];
}

}  // namespace coolsd::simt
