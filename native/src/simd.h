/*
 * The inner loops of the CPU backend, one block of a row at a time, each compiled for every instruction set that
 * Highway knows here and chosen at run time. Blocks are at most kBlock long and live in the first-level cache, so a
 * loop may store what the next one reads. Sums are in f32 within a block and in double across blocks.
 */
#ifndef COOLSD_NATIVE_SIMD_H
#define COOLSD_NATIVE_SIMD_H

#include <cstddef>
#include <cstdint>

#include "row.h"

namespace coolsd::simd {

constexpr int32_t kBlock = 2048;
constexpr int32_t kSlack = 64; /* what a store may touch, unchanged, behind the end of an output */

/* exp((x - largest) / temperature), as 2^((x - largest) scale), of the tokens a cut-off keeps. */
struct Exponential {
  float largest;
  float scale; /* log2(e) / temperature */
  bool cut;    /* whether the cut-off below counts */
  float cut_value;
  int32_t cut_index; /* relative to the block: kept are x > cut_value, and x == cut_value up to this index */
};

struct Maximum {
  float largest;
  bool nan;
};

/* Sums of one block in units of the target's exponentials. */
struct ResidualSums {
  double residual;
  double drift;
  float draft_largest;
  bool draft_nan;
};

/* The name of the instruction set in use. */
const char* target();

/* The block's values as f32 after guidance, tokens from..from + n of the row. Equals Row::operator[]. */
void load(const Row& row, int64_t from, int32_t n, float* out);

/* The largest value and whether there is a NaN. */
Maximum maximum(const float* x, int32_t n);

/* Writes the exponentials (room for n + kSlack) unless out is NULL and returns their sum. */
double exponentials(const float* x, int32_t n, const Exponential& e, float* out);

/*
 * The unnormalised residual max(P - Q, (1 - omega) P, 0) of one block times the target's mass; ratio is the target's
 * mass over the draft's. Writes it (room for n + kSlack) unless out is
 * NULL; the drift is summed only if asked for.
 */
ResidualSums residual(const float* target_x, const Exponential& target_e, const float* draft_x,
                      const Exponential& draft_e, float ratio, float kept, int32_t n, bool drift, float* out);

/* Copies the values >= bound, in order; out needs room for n + kSlack. Returns their number. */
int32_t compress(const float* x, int32_t n, float bound, float* out);

}  // namespace coolsd::simd

#endif
