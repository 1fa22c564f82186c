#include "executor.h"

#include <algorithm>

namespace coolsd::simt {

void Executor::buffer(const std::string& name, const void* base, std::size_t bytes, Access access) {
  machine_.memory().add_buffer(name, reinterpret_cast<uintptr_t>(base), bytes, access);
}

void Executor::initialise(const void* base, std::size_t bytes) {
  machine_.memory().initialise(reinterpret_cast<uintptr_t>(base), bytes);
}

Counters Executor::launch(const LaunchShape& shape, const std::function<void()>& kernel) {
  const uint64_t seed = seed_ * 0xD1342543DE82EF95u + ++attempts_;
  const Events events = machine_.run(shape, seed, kernel);
  const Memory& memory = machine_.memory();
  Counters cost;
  cost.launches = 1;
  cost.barriers = events.barriers;
  cost.grid_barriers = events.grid_barriers;
  cost.atomics = events.atomics;
  cost.shared_bytes = memory.shared_bytes();
  for (const Buffer& buffer : memory.buffers()) {
    for (Traffic* traffic : {&cost.global, &cost.buffers[buffer.name], &total_.global, &total_.buffers[buffer.name]}) {
      traffic->loaded += buffer.loaded;
      traffic->stored += buffer.stored;
    }
  }
  total_.launches += 1;
  total_.barriers += cost.barriers;
  total_.grid_barriers += cost.grid_barriers;
  total_.atomics += cost.atomics;
  total_.shared_bytes = std::max(total_.shared_bytes, cost.shared_bytes);
  return cost;
}

}  // namespace coolsd::simt
