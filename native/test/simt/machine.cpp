#include "machine.h"

#include <algorithm>
#include <map>
#include <string>

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace coolsd::simt {

using Kind = Defect::Kind;

Machine* machine = nullptr;

namespace {

uint32_t volume(const dim3& d) { return d.x * d.y * d.z; }

uint3 unflatten(uint32_t i, const dim3& d) { return {i % d.x, i / d.x % d.y, i / d.x / d.y}; }

uint32_t first_lanes(uint32_t count) { return count >= kWarpSize ? 0xffffffffu : (1u << count) - 1; }

}  // namespace

Machine::Machine() : memory_(grid_) {}

Events Machine::run(const LaunchShape& shape, uint64_t seed, const std::function<void()>& kernel) {
  if (machine != nullptr) throw std::logic_error("launch: another launch is running in this process");
  set_up(shape);
  scheduler_.reset(seed, static_cast<uint32_t>(grid_.blocks.size()), grid_.block_warps);
  for (const Warp& warp : grid_.warps) {
    const uint32_t index = static_cast<uint32_t>(&warp - grid_.warps.data()) % grid_.block_warps;
    scheduler_.add(warp.block, index, warp.lanes);
  }
  kernel_ = &kernel;
  cooperative_ = shape.cooperative;
  failure_ = nullptr;
  stopping_ = false;
  alive_ = static_cast<uint32_t>(grid_.threads.size());
  at_grid_barrier_ = 0;
  events_ = {};
  changes_ = polls_ = last_progress_ = 0;
  machine = this;
  try {
    while (alive_ > 0) {
      if (scheduler_.empty()) report_standstill();
      turn(scheduler_.take());
      if (failure_) std::rethrow_exception(failure_);
    }
    memory_.finish_launch();
  } catch (...) {
    failure_ = std::current_exception();
  }
  stop_all();
  machine = nullptr;
  running_ = nullptr;
  running_view_ = nullptr;
  if (failure_) std::rethrow_exception(failure_);
  return events_;
}

void Machine::set_up(const LaunchShape& shape) {
  const uint64_t threads = uint64_t{shape.block.x} * shape.block.y * shape.block.z;
  const uint64_t blocks = uint64_t{shape.grid.x} * shape.grid.y * shape.grid.z;
  if (threads == 0 || threads > 1024) {
    throw std::invalid_argument("launch: " + std::to_string(threads) + " threads in a block; 1 to 1024 are possible");
  }
  if (blocks == 0 || blocks * threads > 1u << 20) {
    throw std::invalid_argument("launch: " + std::to_string(blocks) + " blocks of " + std::to_string(threads) +
                                " threads; all are resident here, 1 to 2^20 threads are possible");
  }
  grid_.grid_dim = gridDim = shape.grid;
  grid_.block_dim = blockDim = shape.block;
  grid_.block_threads = volume(shape.block);
  grid_.block_warps = (grid_.block_threads + kWarpSize - 1) / kWarpSize;
  grid_.now = grid_.everyone_time = 1;
  grid_.threads = std::vector<Thread>(blocks * threads);
  grid_.warps = std::vector<Warp>(blocks * grid_.block_warps);
  grid_.blocks = std::vector<Block>(blocks);
  for (uint32_t b = 0; b < blocks; ++b) {
    grid_.blocks[b].index = unflatten(b, shape.grid);
    for (uint32_t t = 0; t < threads; ++t) {
      Thread& thread = grid_.threads[b * grid_.block_threads + t];
      thread.id = b * grid_.block_threads + t;
      thread.block = b;
      thread.warp = b * grid_.block_warps + t / kWarpSize;
      thread.lane = t % kWarpSize;
      thread.index = unflatten(t, shape.block);
    }
    for (uint32_t w = 0; w < grid_.block_warps; ++w) {
      Warp& warp = grid_.warps[b * grid_.block_warps + w];
      warp.block = b;
      warp.first_thread = b * grid_.block_threads + w * kWarpSize;
      warp.lanes = first_lanes(grid_.block_threads - w * kWarpSize);
    }
  }
  memory_.start_launch(shape.dynamic_shared_bytes, &running_view_);
}

void Machine::body(void* argument) {
  (void)argument;
  Machine& self = *machine;
  try {
    (*self.kernel_)();
    self.leave();
  } catch (const Unwind&) {
  } catch (...) {
    self.failure_ = std::current_exception();
  }
}

void Machine::turn(const Scheduler::Choice& choice) {
  Thread& thread = grid_.threads[choice.block * grid_.block_threads + choice.warp * kWarpSize + choice.lane];
  running_ = &thread;
  running_view_ = &thread;
  threadIdx = thread.index;
  blockIdx = grid_.blocks[thread.block].index;
  if (!thread.fiber) thread.fiber.start(pooled_stack(thread.id), &Machine::body, nullptr);
  thread.fiber.resume();
}

void Machine::wait(Wait why, Site site) {
  Thread& thread = *running_;
  thread.wait = why;
  thread.site = site;
  thread.polls = false;
  thread.fiber.suspend();
  if (stopping_) throw Unwind{};
}

void Machine::yield() {
  Thread& thread = *running_;
  if (thread.polls) scheduler_.move_on();
  scheduler_.add(thread.block, thread.warp % grid_.block_warps, 1u << thread.lane);
  thread.fiber.suspend();
  if (stopping_) throw Unwind{};
}

void Machine::begin_atomic(Site site) {
  running_->site = site;
  yield();
  ++events_.atomics;
}

void Machine::end_atomic(uintptr_t address, bool stores, bool changed) {
  if (!memory_.is_shared(address)) {
    memory_.visibility().observe(*running_, address);
    if (stores) memory_.visibility().publish(*running_, address);
  }
  running_->polls = !changed;
  if (changed) {
    ++changes_;
  } else {
    notice_polling();
  }
}

/* Only the scheduler can say that nothing will ever change: all threads that can run have polled very many times. */
void Machine::notice_polling() {
  if (++polls_ < std::max<uint64_t>(100000, uint64_t{200} * alive_)) return;
  polls_ = 0;
  const uint64_t now = progress();
  if (now == last_progress_) report_standstill();
  last_progress_ = now;
}

uint64_t Machine::progress() const {
  uint64_t sum = changes_ + memory_.shared_accesses() + events_.barriers + events_.grid_barriers;
  for (const Buffer& buffer : memory_.buffers()) sum += buffer.loaded + buffer.stored;
  return sum;
}

/* A lane that comes to a barrier or exits can no longer join the collectives that wait for it. */
void Machine::arrive(Wait why, Site site) {
  Thread& thread = *running_;
  Warp& warp = grid_.warps[thread.warp];
  for (const Rendezvous& open : warp.open) {
    if (open.mask >> thread.lane & 1) {
      memory_.fail(Kind::warp_divergence,
                   std::string(why == Wait::exited ? "exits" : "waits at a barrier") +
                       " while lanes of its warp wait " + "for it at line " + std::to_string(open.site.line),
                   site);
    }
  }
  (why == Wait::exited ? warp.exited : warp.at_barrier) |= 1u << thread.lane;
}

void Machine::leave() {
  Thread& thread = *running_;
  Block& block = grid_.blocks[thread.block];
  if (block.arrived > 0) {
    memory_.fail(Kind::barrier_divergence,
                 "exits while " + std::to_string(block.arrived) + " threads of its block wait at a barrier",
                 block.site);
  }
  if (at_grid_barrier_ > 0) memory_.fail(Kind::barrier_divergence, "exits while others wait at the grid barrier", {});
  arrive(Wait::exited, thread.site);
  thread.wait = Wait::exited;
  ++block.exited;
  ++changes_;
  --alive_;
}

void Machine::require_whole_block(const Thread& thread, Site site, const char* what) const {
  const Block& block = grid_.blocks[thread.block];
  if (block.exited > 0) {
    memory_.fail(Kind::barrier_divergence,
                 std::string("comes to ") + what + " after " + std::to_string(block.exited) +
                     " threads of its block have exited",
                 site);
  }
}

int Machine::block_barrier(BarrierKind kind, bool vote, Site site) {
  Thread& thread = *running_;
  Block& block = grid_.blocks[thread.block];
  require_whole_block(thread, site, "__syncthreads");
  arrive(Wait::block_barrier, site);
  if (block.arrived == 0) {
    block.kind = kind;
    block.site = site;
    block.votes = 0;
  } else if (block.kind != kind || !(block.site == site)) {
    memory_.fail(Kind::barrier_divergence,
                 "waits here while " + std::to_string(block.arrived) + " threads of its block wait at " +
                     block.site.file + ":" + std::to_string(block.site.line),
                 site);
  }
  block.votes += vote ? 1 : 0;
  if (++block.arrived < grid_.block_threads) {
    wait(Wait::block_barrier, site);
    return static_cast<int>(thread.result);
  }
  uint64_t result = block.votes;
  if (kind == BarrierKind::logical_or) result = block.votes > 0;
  if (kind == BarrierKind::logical_and) result = block.votes == grid_.block_threads;
  const uint32_t first = thread.block * grid_.block_threads;
  for (uint32_t i = 0; i < grid_.block_threads; ++i) grid_.threads[first + i].result = result;
  block.arrived = 0;
  ++events_.barriers;
  block.barrier_time = grid_.tick();
  memory_.visibility().block_barrier(thread.block);
  release_block(thread.block);
  return static_cast<int>(result);
}

/* All threads of the block but the running one, which goes on. */
void Machine::release_block(uint32_t block) {
  for (uint32_t w = 0; w < grid_.block_warps; ++w) {
    Warp& warp = grid_.warps[block * grid_.block_warps + w];
    uint32_t waiting = warp.at_barrier;
    warp.at_barrier = 0;
    for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
      if (!(waiting >> lane & 1)) continue;
      Thread& thread = grid_.threads[warp.first_thread + lane];
      thread.wait = Wait::nothing;
      if (&thread == running_) waiting &= ~(1u << lane);
    }
    scheduler_.add(block, w, waiting);
  }
}

void Machine::grid_barrier(Site site) {
  if (!cooperative_) {
    memory_.fail(Kind::barrier_divergence, "grid barrier in a launch that is not cooperative", site);
  }
  require_whole_block(*running_, site, "the grid barrier");
  arrive(Wait::grid_barrier, site);
  if (++at_grid_barrier_ < grid_.threads.size()) {
    if (alive_ < grid_.threads.size()) {
      memory_.fail(Kind::barrier_divergence, "comes to the grid barrier after threads of the grid have exited", site);
    }
    wait(Wait::grid_barrier, site);
    return;
  }
  at_grid_barrier_ = 0;
  ++events_.grid_barriers;
  grid_.everyone_time = grid_.tick();
  memory_.visibility().reset();
  for (uint32_t b = 0; b < grid_.blocks.size(); ++b) {
    grid_.blocks[b].barrier_time = grid_.everyone_time;
    release_block(b);
  }
}

uint64_t Machine::collective(Collective kind, uint32_t mask, uint64_t value, uint32_t source, Site site) {
  Thread& thread = *running_;
  Warp& warp = grid_.warps[thread.warp];
  const uint32_t bit = 1u << thread.lane;
  const auto diverged = [&](const std::string& text) { memory_.fail(Kind::warp_divergence, text, site); };
  // Code for whole warps says so with the full mask, also in a block's last, shorter warp.
  if (mask == 0xffffffffu) mask = warp.lanes;
  if (!(mask & bit)) diverged("calls a warp collective whose mask does not name it");
  if (mask & ~warp.lanes) diverged("names lanes that the warp does not have");
  if (mask & warp.exited) diverged("names a lane that has exited");
  if (mask & warp.at_barrier) diverged("names a lane that waits at a barrier");
  auto open = std::find_if(warp.open.begin(), warp.open.end(), [&](const Rendezvous& r) { return r.mask == mask; });
  if (open == warp.open.end()) {
    warp.open.push_back({mask, 0, kind, site});
    open = warp.open.end() - 1;
  } else if (open->kind != kind) {
    diverged("meets lanes that are at a different collective, at line " + std::to_string(open->site.line));
  }
  warp.value[thread.lane] = value;
  warp.source[thread.lane] = source;
  open->arrived |= bit;
  if (open->arrived != mask) {
    wait(Wait::collective, site);
    return thread.result;
  }
  const Rendezvous complete = *open;
  warp.open.erase(open);
  finish(warp, complete);
  for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
    if (mask >> lane & 1) grid_.threads[warp.first_thread + lane].wait = Wait::nothing;
  }
  scheduler_.add(thread.block, thread.warp % grid_.block_warps, mask & ~bit);
  ++changes_;
  return thread.result;
}

void Machine::finish(Warp& warp, const Rendezvous& rendezvous) {
  const uint32_t mask = rendezvous.mask;
  uint32_t votes = 0;
  for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
    if ((mask >> lane & 1) && warp.value[lane] != 0) votes |= 1u << lane;
  }
  for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
    if (!(mask >> lane & 1)) continue;
    uint64_t& result = grid_.threads[warp.first_thread + lane].result;
    switch (rendezvous.kind) {
      case Collective::sync:
        break;
      case Collective::shuffle:
        if (!(mask >> warp.source[lane] & 1)) {
          memory_.fail(Kind::warp_divergence,
                       "shuffle: lane " + std::to_string(lane) + " reads lane " + std::to_string(warp.source[lane]) +
                           ", which the mask does not name",
                       rendezvous.site);
        }
        result = warp.value[warp.source[lane]];
        break;
      case Collective::ballot:
        result = votes;
        break;
      case Collective::any:
        result = votes != 0;
        break;
      case Collective::all:
        result = votes == mask;
        break;
    }
  }
  if (rendezvous.kind == Collective::sync) order_lanes(warp, mask);
}

void Machine::order_lanes(Warp& warp, uint32_t mask) {
  const uint32_t time = grid_.tick();
  std::vector<uint32_t> threads;
  for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
    if (mask >> lane & 1) threads.push_back(warp.first_thread + lane);
  }
  memory_.visibility().warp_barrier(threads);
  if (mask == warp.lanes) {
    warp.sync_time = time;
    return;
  }
  if (!warp.partial_sync) warp.partial_sync = std::make_unique<std::array<uint32_t, kWarpSize * kWarpSize>>();
  auto& before = *warp.partial_sync;
  std::array<uint32_t, kWarpSize> joined{};
  for (uint32_t a = 0; a < kWarpSize; ++a) {
    if (!(mask >> a & 1)) continue;
    for (uint32_t b = 0; b < kWarpSize; ++b) joined[b] = std::max(joined[b], before[a * kWarpSize + b]);
    joined[a] = time;
  }
  for (uint32_t a = 0; a < kWarpSize; ++a) {
    if (mask >> a & 1) std::copy(joined.begin(), joined.end(), before.begin() + a * kWarpSize);
  }
}

std::string Machine::who_waits() const {
  std::map<std::string, uint32_t> groups;
  for (const Thread& thread : grid_.threads) {
    const char* what = thread.polls ? " polling at " : " runnable, last seen at ";
    if (thread.wait == Wait::collective) what = " at a warp collective, ";
    if (thread.wait == Wait::block_barrier) what = " at the block's barrier, ";
    if (thread.wait == Wait::grid_barrier) what = " at the grid barrier, ";
    if (thread.wait == Wait::exited) {
      ++groups[" exited"];
    } else {
      ++groups[what + std::string(thread.site.file) + ":" + std::to_string(thread.site.line)];
    }
  }
  std::string text;
  for (const auto& [what, count] : groups) text += (text.empty() ? "" : "; ") + std::to_string(count) + what;
  return text;
}

void Machine::report_standstill() const {
  Kind kind = Kind::deadlock;
  const char* summary = "nobody can make progress: ";
  std::vector<uint32_t> at_grid(grid_.blocks.size(), 0);
  for (const Thread& thread : grid_.threads) at_grid[thread.block] += thread.wait == Wait::grid_barrier;
  for (const Thread& thread : grid_.threads) {
    if (thread.wait == Wait::block_barrier && at_grid[thread.block] > 0) {
      kind = Kind::barrier_divergence;
      summary = "threads of one block wait at __syncthreads and at the grid barrier: ";
    }
  }
  if (scheduler_.empty()) {
    for (const Thread& thread : grid_.threads) {
      if (thread.wait == Wait::collective) {
        kind = Kind::warp_divergence;
        summary = "lanes wait at collectives with masks that cannot be met: ";
      }
    }
  }
  throw Defect(kind, summary + who_waits());
}

void Machine::stop_all() {
  stopping_ = true;
  for (Thread& thread : grid_.threads) {
    if (!thread.fiber) continue;
    running_ = &thread;
    thread.fiber.resume();
  }
}

}  // namespace coolsd::simt
