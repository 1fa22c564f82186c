#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <system_error>

namespace coolsd::simt {
namespace {

constexpr unsigned char kUninitialisedByte = 0xCD;

std::string describe(const Grid& grid, uint32_t id) {
  const Thread& thread = grid.threads[id];
  const uint3 b = grid.blocks[thread.block].index;
  const uint3 t = thread.index;
  const auto triple = [](uint3 v) {
    return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
  };
  return "block " + triple(b) + " thread " + triple(t);
}

}  // namespace

Memory::Memory(Grid& grid)
    : grid_(grid),
      visibility_(grid),
      shadow_(grid, visibility_),
      variables_(SharedVariables::of_this_program()),
      // Only its addresses are used: dereferencing one, instead of load_shared, crashes at once.
      window_(mmap(nullptr, kDynamicSharedLimit, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
  if (window_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "dynamic shared memory");
}

Memory::~Memory() { munmap(window_, kDynamicSharedLimit); }

void Memory::add_buffer(const std::string& name, uintptr_t base, std::size_t bytes, Access access) {
  const auto overlaps = [&](const Buffer& b) { return base < b.base + b.bytes && b.base < base + bytes; };
  buffers_.erase(std::remove_if(buffers_.begin(), buffers_.end(), overlaps), buffers_.end());
  Buffer buffer;
  buffer.name = name;
  buffer.base = base;
  buffer.bytes = bytes;
  buffer.access = access;
  if (access != Access::read) buffer.cells.resize(bytes);
  buffers_.push_back(std::move(buffer));
  if (access == Access::read_write) initialise(base, bytes);
  recent_ = &none_;
}

void Memory::initialise(uintptr_t base, std::size_t bytes) {
  for (Buffer& buffer : buffers_) {
    if (base < buffer.base || base - buffer.base > buffer.bytes || buffer.bytes - (base - buffer.base) < bytes)
      continue;
    if (buffer.cells.empty()) return;
    for (std::size_t i = base - buffer.base; i < base - buffer.base + bytes; ++i) {
      buffer.cells[i] = Cell{};
      buffer.cells[i].writer = Cell::kHost;
    }
    return;
  }
  throw std::invalid_argument("initialise: " + std::to_string(bytes) + " bytes that are in no registered buffer");
}

void Memory::start_launch(std::size_t dynamic_bytes, const Thread* const* running) {
  if (dynamic_bytes > kDynamicSharedLimit) {
    throw std::invalid_argument("launch: dynamic shared memory of " + std::to_string(dynamic_bytes) +
                                " bytes; no GPU has more than " + std::to_string(kDynamicSharedLimit));
  }
  running_ = running;
  visibility_.reset();
  variables_.attach();
  dynamic_bytes_ = dynamic_bytes;
  static_bytes_ = 0;
  shared_accesses_ = 0;
  block_stride_ = (dynamic_bytes + 15) / 16 * 16 + variables_.storage_bytes();
  shared_.assign(block_stride_ * grid_.blocks.size(), kUninitialisedByte);
  shared_cells_.assign(shared_.size(), Cell{});
  used_.assign(variables_.count(), false);
  untouched_ = variables_.snapshot();
  // Thread numbers of an earlier launch mean nothing in this one; what it stored is there for all.
  for (Buffer& buffer : buffers_) {
    buffer.loaded = buffer.stored = 0;
    for (Cell& cell : buffer.cells) {
      if (cell.writer == Cell::kNobody) continue;
      cell = Cell{};
      cell.writer = Cell::kHost;
    }
  }
}

void Memory::finish_launch() {
  if (const SharedVariable* variable = variables_.restore(untouched_)) {
    throw Defect(Defect::Kind::unchecked_shared_store,
                 variable->name + " was written by a plain assignment; use store_shared of memory.cuh");
  }
}

Buffer& Memory::find(uintptr_t address, std::size_t bytes, Site site) {
  const Buffer* near = nullptr;
  std::size_t distance = SIZE_MAX;
  for (Buffer& buffer : buffers_) {
    if (address >= buffer.base && address - buffer.base <= buffer.bytes &&
        buffer.bytes - (address - buffer.base) >= bytes) {
      return buffer;
    }
    const std::size_t gap = address < buffer.base ? buffer.base - address : address - buffer.base;
    const std::size_t past = gap > buffer.bytes && address >= buffer.base ? gap - buffer.bytes : gap;
    if (past < distance) {
      distance = past;
      near = &buffer;
    }
  }
  std::string text = std::to_string(bytes) + " bytes ";
  if (near == nullptr) {
    text += "in no registered buffer (there is none)";
  } else if (address < near->base) {
    text += std::to_string(near->base - address) + " bytes before '" + near->name + "'";
  } else {
    text += "at byte " + std::to_string(address - near->base) + " of '" + near->name + "', which has " +
            std::to_string(near->bytes);
  }
  if (is_shared(address)) text = std::to_string(bytes) + " bytes of shared memory through a global accessor";
  fail(Defect::Kind::out_of_bounds_global, text, site);
}

void Memory::check_load(Buffer& buffer, uintptr_t address, std::size_t bytes, Site site) {
  const std::size_t offset = address - buffer.base;
  const Finding finding = shadow_.load(buffer.cells.data() + offset, bytes, **running_, site.line);
  if (finding.conflict != Conflict::none) {
    check_finding(finding, false, false, "'" + buffer.name + "' byte " + std::to_string(offset), site);
  }
}

void Memory::require_writable(const Buffer& buffer, Site site) const {
  if (buffer.access == Access::read) fail(Defect::Kind::read_only, "store to '" + buffer.name + "'", site);
}

void* Memory::store_global(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site) {
  Buffer& buffer = locate(address, bytes, alignment, site);
  require_writable(buffer, site);
  buffer.stored += bytes;
  const std::size_t offset = address - buffer.base;
  const Finding finding = shadow_.store(buffer.cells.data() + offset, bytes, **running_, site.line);
  if (finding.conflict != Conflict::none) {
    check_finding(finding, false, true, "'" + buffer.name + "' byte " + std::to_string(offset), site);
  }
  return reinterpret_cast<void*>(address);
}

Memory::Shared Memory::locate_shared(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site) {
  ++shared_accesses_;
  const char* name = "dynamic shared memory";
  std::size_t offset = address - reinterpret_cast<uintptr_t>(window_);
  std::size_t size = dynamic_bytes_;
  std::size_t storage = 0;
  if (offset >= kDynamicSharedLimit) {
    if (!variables_.contains(address)) {
      fail(Defect::Kind::out_of_bounds_shared, std::to_string(bytes) + " bytes at an address that is not shared memory",
           site);
    }
    const SharedVariable* variable = variables_.find(address);
    if (variable == nullptr) {
      fail(Defect::Kind::out_of_bounds_shared, std::to_string(bytes) + " bytes between two shared variables", site);
    }
    name = variable->name.c_str();
    offset = address - variables_.address(*variable);
    if (!variable->dynamic) {
      size = variable->bytes;
      storage = block_stride_ - variables_.storage_bytes() + variable->storage;
      const std::size_t index = variables_.index(variable);
      if (!used_[index]) {
        used_[index] = true;
        static_bytes_ += variable->bytes;
      }
    }
  }
  if (offset >= size || size - offset < bytes) {
    fail(Defect::Kind::out_of_bounds_shared,
         std::to_string(bytes) + " bytes at byte " + std::to_string(offset) + " of " + name + ", which has " +
             std::to_string(size),
         site);
  }
  if (address % alignment != 0) misaligned(address, alignment, name, site);
  const std::size_t at = block_stride_ * (*running_)->block + storage + offset;
  return {shared_.data() + at, shared_cells_.data() + at, name};
}

const void* Memory::load_shared(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site) {
  const Shared shared = locate_shared(address, bytes, alignment, site);
  const Finding finding = shadow_.load(shared.cells, bytes, **running_, site.line);
  if (finding.conflict != Conflict::none) check_finding(finding, true, false, shared.name, site);
  return shared.data;
}

void* Memory::store_shared(uintptr_t address, std::size_t bytes, std::size_t alignment, Site site) {
  const Shared shared = locate_shared(address, bytes, alignment, site);
  const Finding finding = shadow_.store(shared.cells, bytes, **running_, site.line);
  if (finding.conflict != Conflict::none) check_finding(finding, true, true, shared.name, site);
  return shared.data;
}

void* Memory::atomic(uintptr_t address, std::size_t bytes, Site site, bool stores) {
  if (is_shared(address)) {
    const Shared shared = locate_shared(address, bytes, bytes, site);
    const Finding finding = shadow_.atomic(shared.cells, bytes, **running_, site.line, stores);
    if (finding.conflict != Conflict::none) check_finding(finding, true, true, shared.name, site);
    return shared.data;
  }
  Buffer& buffer = locate(address, bytes, bytes, site);
  if (stores) require_writable(buffer, site);
  if (!buffer.cells.empty()) {
    const std::size_t offset = address - buffer.base;
    const Finding finding = shadow_.atomic(buffer.cells.data() + offset, bytes, **running_, site.line, stores);
    if (finding.conflict != Conflict::none) {
      check_finding(finding, false, true, "'" + buffer.name + "' byte " + std::to_string(offset), site);
    }
  }
  return reinterpret_cast<void*>(address);
}

void Memory::check_finding(const Finding& finding, bool shared, bool stores, const std::string& place,
                           Site site) const {
  using Kind = Defect::Kind;
  if (finding.conflict == Conflict::uninitialised) {
    fail(shared ? Kind::uninitialised_shared : Kind::uninitialised_global, place + " was never stored", site);
  }
  const std::string text = place + ": this " + (stores ? "store" : "load") + " and the " +
                           (finding.with_store ? "store" : "load") + " by " + describe(grid_, finding.thread) +
                           " at line " + std::to_string(finding.line);
  if (finding.conflict == Conflict::missing_fence) {
    fail(Kind::missing_fence,
         text + " are synchronised by an atomic, but the earlier one was not followed by a __threadfence before it, " +
             "or this block did not fence after it",
         site);
  }
  fail(shared ? Kind::shared_race : Kind::global_race, text + " are not ordered by a barrier", site);
}

void Memory::misaligned(uintptr_t address, std::size_t alignment, const char* name, Site site) const {
  fail(Defect::Kind::misaligned,
       "address of " + std::string(name) + " is " + std::to_string(address % alignment) + " past a multiple of " +
           std::to_string(alignment),
       site);
}

void Memory::fail(Defect::Kind kind, const std::string& text, Site site) const {
  std::string where = std::string(site.file) + ":" + std::to_string(site.line) + ": ";
  if (running_ != nullptr && *running_ != nullptr) where += describe(grid_, (*running_)->id) + ": ";
  throw Defect(kind, where + text);
}

}  // namespace coolsd::simt
