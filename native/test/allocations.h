/* The allocations of a thread, counted, and one of them made to fail. */
#ifndef COOLSD_NATIVE_TEST_ALLOCATIONS_H
#define COOLSD_NATIVE_TEST_ALLOCATIONS_H

#include <cstdint>

namespace coolsd::test {

/* How many times this thread has called operator new. */
int64_t allocations();

/* The which-th allocation of this thread from now on throws std::bad_alloc; 0: none. */
void fail_allocation(int64_t which);

/* Whether one that is to fail is still to come. */
bool failure_is_due();

}  // namespace coolsd::test

#endif
