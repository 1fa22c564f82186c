/*
 * Runs CUDA kernels on the CPU, checked. A test includes cuda_on_cpu.h, then the .cu file, and launches:
 *
 *   Executor executor(seed);
 *   executor.buffer("logits", logits.data(), bytes, Access::read);
 *   executor.buffer("tokens", tokens.data(), bytes, Access::write);
 *   Counters cost = executor.launch({blocks, threads, dynamic_bytes, true}, [&] { kernel(parameters); });
 *
 * The lambda runs once per CUDA thread; it should only call the kernel. A broken rule throws a Defect and leaves the
 * executor usable. Buffers point to the caller's memory, which must outlive the launches; kernels change it in place.
 * Not thread-safe: one launch at a time in a process.
 */
#ifndef COOLSD_SIMT_EXECUTOR_H
#define COOLSD_SIMT_EXECUTOR_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "machine.h"

namespace coolsd::simt {

/* Bytes through load_global and store_global and their kind; atomics are counted apart. */
struct Traffic {
  uint64_t loaded = 0;
  uint64_t stored = 0;
};

struct Counters {
  uint64_t launches = 0;
  Traffic global;
  std::map<std::string, Traffic> buffers;  // by name
  uint64_t barriers = 0;                   // __syncthreads and its voting forms, summed over blocks
  uint64_t grid_barriers = 0;              // this_grid().sync()
  uint64_t atomics = 0;                    // summed over threads, both address spaces, every poll
  std::size_t shared_bytes = 0;            // of one block: dynamic, and the static variables used; largest launch
};

class Executor {
 public:
  /* Launch n of an executor has a schedule of its own, given by (seed, n). */
  explicit Executor(uint64_t seed = 1) : seed_(seed) {}

  /* Lets kernels use [base, base + bytes). Replaces registered buffers that it overlaps. */
  void buffer(const std::string& name, const void* base, std::size_t bytes, Access access);
  /* Part of a buffer now has defined contents, written by the host (cudaMemset, cudaMemcpy). */
  void initialise(const void* base, std::size_t bytes);
  /* What this launch cost. Throws Defect, or what the kernel threw. */
  Counters launch(const LaunchShape& shape, const std::function<void()>& kernel);
  Counters launch(dim3 grid, dim3 block, std::size_t dynamic_shared_bytes, bool cooperative,
                  const std::function<void()>& kernel) {
    return launch({grid, block, dynamic_shared_bytes, cooperative}, kernel);
  }
  /* All completed launches together. */
  const Counters& counters() const { return total_; }

 private:
  uint64_t seed_;
  uint64_t attempts_ = 0;
  Machine machine_;
  Counters total_;
};

}  // namespace coolsd::simt

#endif
