/* What the executor reports: one exception type, one kind per rule of the CUDA model that a kernel can break. */
#ifndef COOLSD_SIMT_DEFECT_H
#define COOLSD_SIMT_DEFECT_H

#include <stdexcept>
#include <string>

namespace coolsd::simt {

class Defect : public std::runtime_error {
 public:
  enum class Kind {
    out_of_bounds_global,   // address in no registered buffer, or running over its end
    out_of_bounds_shared,   // address in no shared variable, or past the dynamic size of the launch
    misaligned,             // address not a multiple of the type's alignment
    read_only,              // store or atomic to a buffer registered with Access::read
    uninitialised_shared,   // load of a shared byte that no thread of the block has stored
    uninitialised_global,   // load of a byte of an Access::write buffer that nobody has stored
    shared_race,            // two threads, one byte of shared memory, a store, no barrier between
    global_race,            // the same in global memory, within a block or between blocks
    missing_fence,          // blocks synchronised through an atomic, but a __threadfence is missing on one side
    barrier_divergence,     // not every thread of the block (or grid) comes to the same barrier
    warp_divergence,        // a lane named in the mask of a warp collective does not come to it
    deadlock,               // nobody can run, or all who can only poll
    unchecked_shared_store  // a __shared__ variable was written without the accessors of memory.cuh
  };

  Defect(Kind kind, const std::string& text);

  Kind kind() const noexcept { return kind_; }
  static const char* name(Kind kind) noexcept;

 private:
  Kind kind_;
};

}  // namespace coolsd::simt

#endif
