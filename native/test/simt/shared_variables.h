/*
 * The __shared__ variables of the kernels compiled into this executable.
 *
 * Blocks are resident together, so each needs its own copy of every __shared__ variable, and plain C++ has no such
 * storage class. `__shared__` therefore means `thread_local`: that collects the variables, of templates too, in one
 * segment whose symbols (name, offset, size) stand in the executable's symbol table. The variable's address is only
 * its name; the accessors translate it to the storage of the running block, and know from the symbol where it ends.
 */
#ifndef COOLSD_SIMT_SHARED_VARIABLES_H
#define COOLSD_SIMT_SHARED_VARIABLES_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coolsd::simt {

struct SharedVariable {
  std::string name;
  std::size_t address = 0;  // offset in the segment
  std::size_t bytes = 0;
  std::size_t storage = 0;  // offset in a block's storage
  bool dynamic = false;     // declared by COOLSD_SIMT_DYNAMIC_SHARED
};

class SharedVariables {
 public:
  /* Those of the running executable; throws std::runtime_error if it was stripped. */
  static SharedVariables& of_this_program();

  /* Where this OS thread's copy of the segment starts; call before find(). */
  void attach();
  /* The address is in the segment. */
  bool contains(uintptr_t address) const { return address - base_ < bytes_; }
  /* The variable at an address in the segment, or null between variables. */
  const SharedVariable* find(uintptr_t address) const {
    const uint16_t index = at_[address - base_];
    return index == 0 ? nullptr : &variables_[index - 1u];
  }
  std::size_t index(const SharedVariable* variable) const {
    return static_cast<std::size_t>(variable - variables_.data());
  }
  std::size_t count() const { return variables_.size(); }
  uintptr_t address(const SharedVariable& variable) const { return base_ + variable.address; }
  std::size_t storage_bytes() const { return storage_bytes_; }
  /* Bytes of the segment as they are now, to see later whether a kernel wrote past the accessors. */
  std::vector<unsigned char> snapshot() const;
  /* Puts the segment back to the snapshot; returns a variable that differed, or null. */
  const SharedVariable* restore(const std::vector<unsigned char>& snapshot) const;

 private:
  SharedVariables();
  void read_symbols();

  uintptr_t base_ = 0;
  std::size_t bytes_ = 0;
  std::size_t storage_bytes_ = 0;
  std::vector<SharedVariable> variables_;
  std::vector<uint16_t> at_;  // per byte of the segment: 1 + index of the variable, or 0
};

/* Largest dynamic shared memory of a block on any GPU we build for (sm_90, sm_100: 227 KiB). */
constexpr std::size_t kDynamicSharedLimit = 227 * 1024;

/* Marks the variable at this address as a kernel's `extern __shared__` array. */
struct DynamicShared {
  explicit DynamicShared(const void* array);
};

}  // namespace coolsd::simt

/*
 * Defines the array that a kernel declares as `extern __shared__ type name[]`; stands in the kernel's namespace, before
 * or after the #include of the .cu file. (Kernels that use dynamic_shared() of memory.cuh do not need it.)
 */
#define COOLSD_SIMT_DYNAMIC_SHARED(type, name)                                            \
  alignas(16) thread_local type name[::coolsd::simt::kDynamicSharedLimit / sizeof(type)]; \
  static const ::coolsd::simt::DynamicShared coolsd_simt_dynamic_##name(name)

#endif
