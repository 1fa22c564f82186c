/*
 * The inner loops of the CPU backend, one block of a row at a time, each compiled for every instruction set that
 * Highway knows here and chosen at run time. A Row given to them starts at the block's first token. Blocks are at most
 * kBlock long and live in the first-level cache, so a loop may store what the next one reads. Sums are in f32 within a
 * block and in double across blocks.
 */
#ifndef COOLSD_NATIVE_SIMD_SIMD_H
#define COOLSD_NATIVE_SIMD_SIMD_H

#include <cstddef>
#include <cstdint>

#include "row.h"

namespace coolsd::simd {

constexpr int32_t kBlock = 2048;
constexpr int32_t kSlack = 64; /* what a store may touch, unchanged, behind the end of an output */

/* exp((x - reference) / temperature), as 2^((x - reference) scale), of the tokens a cut-off keeps. */
struct Exponential {
  float reference;
  float scale; /* log2(e) / temperature */
  bool cut;    /* whether the cut-off below counts */
  float cut_value;
  int32_t cut_index; /* relative to the block: kept are x > cut_value, and x == cut_value up to this index */
};

struct Maximum {
  float largest;
  bool nan;
};

struct Mass {
  double sum;    /* of the exponentials of all tokens; not finite if a logit is NaN or +inf */
  float largest; /* if sum is finite */
};

/* Sums of one block in units of the target's exponentials. */
struct ResidualSums {
  double residual;
  double drift;
  bool draft_fits; /* no draft logit is NaN or above the bound given */
};

/* The name of the instruction set in use. */
const char* target();

/* The values as f32 after guidance. Equals Row::operator[]. */
void load(const Row& row, int32_t n, float* out);

/* The largest value and whether there is a NaN. */
Maximum maximum(const Row& row, int32_t n);

/*
 * One pass for the sum of 2^((x - reference) scale) and the largest value. A guided logit with an infinite half may
 * count as NaN unless careful. The reference should be near the largest value: what is 127 above it has no power in
 * f32, and the error grows with the distance.
 */
Mass mass(const Row& row, int32_t n, float reference, float scale, bool careful);

/* Writes the exponentials (room for n + kSlack) and returns their sum. */
double exponentials(const float* x, int32_t n, const Exponential& e, float* out);

/* Whether residual_sums() can read these two rows as they are. */
bool readable_together(const Row& target, const Row& draft);

/* How two laws make a residual. */
struct ResidualTerms {
  Exponential target, draft;
  float ratio;         /* the target's mass over the draft's */
  float kept;          /* 1 - omega */
  float draft_largest; /* bound for draft_fits */
};

/*
 * Sums of the unnormalised residual max(P - Q, (1 - omega) P, 0) of one block times the target's mass, and if asked for
 * of the drift, over rows that are readable together.
 */
ResidualSums residual_sums(const Row& target, const Row& draft, const ResidualTerms& terms, int32_t n, bool drift);

/* Writes the same residual (room for n + kSlack). */
void residuals(const float* target, const float* draft, const ResidualTerms& terms, int32_t n, float* out);

/* Copies the values >= bound, in order; out needs room for n + kSlack. Returns their number. */
int32_t compress(const float* x, int32_t n, float bound, float* out);

}  // namespace coolsd::simd

#endif
