/* The floor that a verification is measured against: reading bytes once, as fast as one core can. */
#ifndef COOLSD_NATIVE_BENCH_BANDWIDTH_H
#define COOLSD_NATIVE_BENCH_BANDWIDTH_H

#include <cstddef>
#include <cstdint>

namespace coolsd::bench {

/* The sum of the 64-bit words in [from, from + bytes), bytes a multiple of 8, by the best instruction set that
 * COOLSD_SIMD leaves. */
uint64_t read_once(const void* from, size_t bytes);

/* The name of that instruction set. */
const char* reading_target();

}  // namespace coolsd::bench

#endif
