/*
 * One CUDA thread's flow of control: a Boost.Context fiber on a stack from a pool, announced to AddressSanitizer at
 * every switch (Boost 1.74 does so only in its ucontext build, which Debian does not ship).
 */
#ifndef COOLSD_SIMT_FIBER_H
#define COOLSD_SIMT_FIBER_H

#include <boost/context/fiber.hpp>
#include <boost/context/stack_context.hpp>
#include <cstddef>

namespace coolsd::simt {

/*
 * Stack number `index`, mapped on first use and kept for the life of the process: 64 KiB with a guard page below, so a
 * kernel with too large local arrays stops at once.
 */
boost::context::stack_context pooled_stack(std::size_t index);

class Fiber {
 public:
  /* Prepares body(argument) to run on the given stack. It must return; exceptions must not leave it. */
  void start(boost::context::stack_context stack, void (*body)(void*), void* argument);
  /* From outside: runs until the fiber suspends or its body returns. */
  void resume();
  /* From inside: back to whoever resumed. */
  void suspend();
  /* Started, and its body has not yet returned. */
  explicit operator bool() const { return static_cast<bool>(context_); }

 private:
  boost::context::fiber context_;
  boost::context::fiber caller_;
  boost::context::stack_context stack_;
  const void* caller_stack_ = nullptr;
  std::size_t caller_bytes_ = 0;
};

}  // namespace coolsd::simt

#endif
