/*
 * Every access of a kernel to global and shared memory. The common case, a load from a read-only buffer that was also
 * the last one used, is inline and costs a bounds check and a counter.
 */
#ifndef COOLSD_SIMT_MEMORY_H
#define COOLSD_SIMT_MEMORY_H

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "defect.h"
#include "grid.h"
#include "shadow.h"
#include "shared_variables.h"
#include "visibility.h"

namespace coolsd::simt {

enum class Access : uint8_t {
  read,        // kernels may only load
  read_write,  // contents are defined before the launch
  write        // contents are undefined until stored: outputs and workspace
};

struct Buffer {
  std::string name;
  uintptr_t base = 0;
  std::size_t bytes = 0;
  Access access = Access::read;
  uint64_t loaded = 0;
  uint64_t stored = 0;
  std::vector<Cell> cells;  // empty if read-only
};

class Memory {
 public:
  explicit Memory(Grid& grid);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  Visibility& visibility() { return visibility_; }
  /* Registers [base, base + bytes), replacing every buffer it overlaps. */
  void add_buffer(const std::string& name, uintptr_t base, std::size_t bytes, Access access);
  /* The host has written these bytes (as by cudaMemset). */
  void initialise(uintptr_t base, std::size_t bytes);
  const std::deque<Buffer>& buffers() const { return buffers_; }
  /* Makes the shared memory of every block, uninitialised. `running` follows the thread that runs. */
  void start_launch(std::size_t dynamic_bytes, const Thread* const* running);
  /* Throws if a __shared__ variable was written past the accessors. */
  void finish_launch();
  /* Of one block in this launch: dynamic size and the static variables that were used. */
  std::size_t shared_bytes() const { return dynamic_bytes_ + static_bytes_; }
  uint64_t shared_accesses() const { return shared_accesses_; }
  /* The address that names the dynamic shared memory of every block; not to be dereferenced. */
  void* dynamic_window() const { return window_; }

  bool is_shared(uintptr_t address) const {
    return address - reinterpret_cast<uintptr_t>(window_) < kDynamicSharedLimit || variables_.contains(address);
  }

  const void* load_global(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site) {
    Buffer& buffer = locate(address, bytes, alignment, site);
    buffer.loaded += bytes;
    if (!buffer.cells.empty()) check_load(buffer, address, bytes, site);
    return reinterpret_cast<const void*>(address);
  }
  void* store_global(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site);
  /* Storage of the running block; the name is translated. */
  const void* load_shared(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site);
  void* store_shared(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site);
  /* Either space. */
  void* atomic(uintptr_t address, std::size_t bytes, Site site, bool stores);

  [[noreturn]] void fail(Defect::Kind kind, const std::string& text, Site site) const;

 private:
  struct Shared {
    unsigned char* data;
    Cell* cells;
    const char* name;
  };

  Buffer& locate(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site) {
    const std::size_t offset = address - recent_->base;
    if (offset >= recent_->bytes || recent_->bytes - offset < bytes) recent_ = &find(address, bytes, site);
    if (address % alignment != 0) misaligned(address, alignment, recent_->name.c_str(), site);
    return *recent_;
  }
  Buffer& find(uintptr_t address, std::size_t bytes, Site site);
  Shared locate_shared(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site);
  void check_load(Buffer& buffer, uintptr_t address, std::size_t bytes, Site site);
  void require_writable(const Buffer& buffer, Site site) const;
  void check_finding(const Finding& finding, bool shared, bool stores, const std::string& place, Site site) const;
  [[noreturn]] void misaligned(uintptr_t address, std::size_t alignment, const char* name, Site site) const;

  Grid& grid_;
  Visibility visibility_;
  Shadow shadow_;
  const Thread* const* running_ = nullptr;
  std::deque<Buffer> buffers_;
  Buffer none_;  // what recent_ is before the first access
  Buffer* recent_ = &none_;

  SharedVariables& variables_;
  void* window_;
  std::size_t dynamic_bytes_ = 0;
  std::size_t static_bytes_ = 0;
  std::size_t block_stride_ = 0;
  uint64_t shared_accesses_ = 0;
  std::vector<unsigned char> shared_;  // all blocks: dynamic memory, then static variables
  std::vector<Cell> shared_cells_;
  std::vector<bool> used_;  // per variable
  std::vector<unsigned char> untouched_;
};

}  // namespace coolsd::simt

#endif
