#include "fiber.h"

#include <sys/mman.h>

#include <memory>
#include <system_error>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace coolsd::simt {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;
constexpr std::size_t kPage = 4096;

/* Boost's stack allocator concept; the pool keeps the memory. */
struct FixedStack {
  boost::context::stack_context stack;
  boost::context::stack_context allocate() { return stack; }
  void deallocate(boost::context::stack_context&) {}
};

[[maybe_unused]] void* bottom(const boost::context::stack_context& stack) {
  return static_cast<char*>(stack.sp) - stack.size;
}

void leaving([[maybe_unused]] void** fake, [[maybe_unused]] const void* to, [[maybe_unused]] std::size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(fake, to, bytes);
#endif
}

void arrived([[maybe_unused]] void* fake, [[maybe_unused]] const void** from, [[maybe_unused]] std::size_t* bytes) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake, from, bytes);
#endif
}

}  // namespace

boost::context::stack_context pooled_stack(std::size_t index) {
  static std::vector<char*> stacks;
  while (stacks.size() <= index) {
    void* memory = mmap(nullptr, kStackBytes + 2 * kPage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, kPage, PROT_NONE) != 0) {
      throw std::system_error(errno, std::generic_category(), "stack of CUDA thread " + std::to_string(index));
    }
    stacks.push_back(static_cast<char*>(memory));
  }
  boost::context::stack_context stack;
  // Tops are staggered within a page: with equal low bits all stacks would compete for the same cache lines.
  stack.size = kStackBytes + kPage - index % 64 * 64;
  stack.sp = stacks[index] + kPage + stack.size;
  return stack;
}

void Fiber::start(boost::context::stack_context stack, void (*body)(void*), void* argument) {
  stack_ = stack;
#ifdef __SANITIZE_ADDRESS__
  // The previous fiber's outermost frame never returned, so its red zones are still marked.
  __asan_unpoison_memory_region(bottom(stack), stack.size);
#endif
  context_ = boost::context::fiber(std::allocator_arg, FixedStack{stack},
                                   [this, body, argument](boost::context::fiber&& caller) {
                                     caller_ = std::move(caller);
                                     arrived(nullptr, &caller_stack_, &caller_bytes_);
                                     body(argument);
                                     leaving(nullptr, caller_stack_, caller_bytes_);
                                     return std::move(caller_);
                                   });
}

void Fiber::resume() {
  void* fake = nullptr;
#ifdef __SANITIZE_ADDRESS__
  leaving(&fake, bottom(stack_), stack_.size);
#endif
  context_ = std::move(context_).resume();
  arrived(fake, nullptr, nullptr);
}

void Fiber::suspend() {
  void* fake = nullptr;
  leaving(&fake, caller_stack_, caller_bytes_);
  caller_ = std::move(caller_).resume();
  arrived(fake, &caller_stack_, &caller_bytes_);
}

}  // namespace coolsd::simt
