#include "allocations.h"

#include <cstdlib>
#include <new>

namespace {
thread_local int64_t made = 0;
thread_local int64_t failing = 0;
}  // namespace

namespace coolsd::test {

int64_t allocations() { return made; }
void fail_allocation(int64_t which) { failing = which; }
bool failure_is_due() { return failing > 0; }

}  // namespace coolsd::test

void* operator new(size_t bytes) {
  ++made;
  void* memory = failing > 0 && --failing == 0 ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
/* Sanitizers have one of their own, which does not go with the delete above. */
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  ++made;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
