/*
 * The inner loops of the CPU backend, each compiled for every instruction set that Highway knows here and chosen at run
 * time. Rows are cut into blocks of kBlock tokens: sums are in f32 within one and in double across them, and what one
 * loop stores of a block for the next lies in the first-level cache. A Row starts at the first token of the loop.
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
  int32_t cut_index; /* relative to the first token: kept are x > cut_value, and x == cut_value up to this index */
};

/* The name of the instruction set in use. */
const char* target();

/*
 * Whole rows, in place: the fast loops. They stop at a block with NaN, +inf, a value above the limit, or one so low
 * that its exponent is beyond -2^86, and return the number of blocks before it; such a block is for the functions
 * further down.
 */

/* How the exponentials 2^((x - reference) scale) of a row are summed. */
struct MassTerms {
  float reference;
  float scale;
  float limit; /* not far above the reference: the powers are f32 */
};

/* The sum of the exponentials of every block of n tokens, and *largest raised to the largest value; guidance > 0. */
int32_t mass(const Row& row, int32_t n, const MassTerms& terms, double* sums, float* largest);

/* How two laws make a residual. */
struct ResidualTerms {
  Exponential target, draft;
  float ratio;         /* what draft exponentials are multiplied by: the target's mass over the draft's, or more */
  float kept;          /* 1 - omega */
  float draft_largest; /* bound for draft_fits */
  bool drift;          /* whether the drift is asked for */
  float affine = 0;    /* of the affine rule, which residual_sums() does not have */
};

/* What else is found out on the way, over all blocks. */
struct ResidualReport {
  double drift = 0;       /* in units of the target's exponentials */
  bool draft_fits = true; /* no draft logit is NaN or above the bound */
};

/* Whether residual_sums() can read these two rows. */
bool readable_together(const Row& target, const Row& draft);

/* The sum of every block's unnormalised residual (common/rule.h) times the target's mass. */
int32_t residual_sums(const Row& target, const Row& draft, const ResidualTerms& terms, int32_t n, double* sums,
                      ResidualReport* report);

/* One block of at most kBlock tokens, whatever its logits are. */

/* The values as f32 after guidance. Equals Row::operator[]. */
void load(const Row& row, int32_t n, float* out);

struct Maximum {
  float largest;
  bool nan;
};

/* The largest value and whether there is a NaN. */
Maximum maximum(const float* x, int32_t n);

/* Writes the exponentials (room for n + kSlack) and returns their sum. */
double exponentials(const float* x, int32_t n, const Exponential& e, float* out);

/* Writes the residual (room for n + kSlack) and returns its sum. */
double residuals(const float* target, const float* draft, const ResidualTerms& terms, int32_t n, float* out,
                 ResidualReport* report);

/* The sum of y -log2(y) over the exponentials y of a block's values x. */
double entropies(const float* x, const float* y, int32_t n, const Exponential& e);

/* Room for the tokens of a block that a budget has bins for, kBlock + kSlack of each, sums twice as many. */
struct BudgetTokens {
  int32_t* bins; /* budget_bin() of each */
  float* sums;   /* Q - P and P of each, what it adds to its bin */
  float *p, *q;  /* for work */
};

/*
 * Those tokens with Q > P > 0, in order, with both in units of the target's exponentials; returns how many. Of the
 * report only draft_fits is told.
 */
int32_t excesses(const float* target, const float* draft, const ResidualTerms& terms, int32_t n,
                 const BudgetTokens& out, ResidualReport* report);

/*
 * Finds the token of a block where the running sum of its weights, in double, first exceeds wanted; before is the sum
 * of everything earlier. The last token with a weight if it stays below, -1 if none has one.
 */
int32_t search(const float* weights, int32_t n, double before, double wanted);

/* Cut-offs. */

/* Copies a row's values that are not below a bound, in order, and NaN (room for n + kSlack). The row has no guidance.
 */
int32_t sift(const Row& row, int32_t n, float bound, float* out);

/* The k-th largest of some values. */
struct KthValue {
  float value;
  int32_t above; /* values that are larger, fewer than k */
  int32_t reach; /* those and the equal ones, at least k */
};

/* Of values in [least, most], 1 <= k <= n; spare [n + kSlack], which may be x. */
KthValue kth_largest(const float* x, int32_t n, int32_t k, float least, float most, float* spare);

/* The index of the nth of the values that equal value, nth >= 1; n if there are fewer. */
int32_t nth_equal(const float* x, int32_t n, float value, int32_t nth);

}  // namespace coolsd::simd

#endif
