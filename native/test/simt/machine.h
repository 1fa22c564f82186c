/*
 * Runs one launch at a time: starts a fiber per thread, switches between them, and gives barriers, warp collectives
 * and atomics their meaning. A thread runs until it waits at a barrier or collective, or comes to an atomic.
 */
#ifndef COOLSD_SIMT_MACHINE_H
#define COOLSD_SIMT_MACHINE_H

#include <cstring>
#include <exception>
#include <functional>
#include <type_traits>

#include "grid.h"
#include "memory.h"
#include "scheduler.h"

namespace coolsd::simt {

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t dynamic_shared_bytes = 0;
  bool cooperative = false;
};

struct Events {
  uint64_t barriers = 0;       // __syncthreads and its voting forms, per block
  uint64_t grid_barriers = 0;  // this_grid().sync()
  uint64_t atomics = 0;        // per thread
};

class Machine {
 public:
  Machine();

  Memory& memory() { return memory_; }
  /* Runs kernel() once per thread. Throws what the first failing thread threw, or a Defect of the whole grid. */
  Events run(const LaunchShape& shape, uint64_t seed, const std::function<void()>& kernel);

  // From inside a kernel.
  const Thread& running() const { return *running_; }
  int block_barrier(BarrierKind kind, bool vote, Site site);
  void grid_barrier(Site site);
  uint64_t collective(Collective kind, uint32_t mask, uint64_t value, uint32_t source, Site site);
  void fence() { memory_.visibility().fence(*running_); }
  /* Lets other threads run. */
  void yield();
  /*
   * One atomic on `bytes` at an address, in either space: others run first, then change(storage) does it all at once
   * and says whether the value changed. `acquires` and `releases` tell which directions carry synchronisation.
   */
  template <typename Change>
  void atomic(const volatile void* pointer, std::size_t bytes, bool stores, Site site, Change change) {
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    begin_atomic(site);
    void* storage = memory_.atomic(address, bytes, site, stores);
    const bool changed = change(storage);
    end_atomic(address, stores, changed);
  }

 private:
  struct Unwind {};

  static void body(void* thread);
  void set_up(const LaunchShape& shape);
  void turn(const Scheduler::Choice& choice);
  void wait(Wait why, Site site);
  void begin_atomic(Site site);
  void end_atomic(uintptr_t address, bool stores, bool changed);
  void arrive(Wait why, Site site);
  void leave();
  void require_whole_block(const Thread& thread, Site site, const char* what) const;
  void release_block(uint32_t block);
  void finish(Warp& warp, const Rendezvous& rendezvous);
  void order_lanes(Warp& warp, uint32_t mask);
  std::string who_waits() const;
  [[noreturn]] void report_standstill() const;
  void notice_polling();
  uint64_t progress() const;
  void stop_all();

  Grid grid_;
  Memory memory_;
  Scheduler scheduler_;
  const std::function<void()>* kernel_ = nullptr;
  Thread* running_ = nullptr;
  const Thread* running_view_ = nullptr;
  std::exception_ptr failure_;
  bool stopping_ = false;
  bool cooperative_ = false;
  uint32_t alive_ = 0;
  uint32_t at_grid_barrier_ = 0;
  Events events_;
  uint64_t changes_ = 0;  // atomics that changed a value, rendezvous, exits
  uint64_t polls_ = 0;    // atomics that changed nothing since the last look at progress
  uint64_t last_progress_ = 0;
};

/* The machine whose kernel runs now; kernels have no other way to it. One launch at a time in a process. */
extern Machine* machine;

}  // namespace coolsd::simt

/* CUDA's built-in variables, of the running thread. */
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;

#endif
