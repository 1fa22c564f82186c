/*
 * The largest factor whose drift stays within a budget, from one pass over P and Q.
 *
 * D(omega) = sum over the tokens with Q > P > 0 of min(Q - P, (omega - 1) P) is concave, with kinks at Q/P. The tokens
 * are summed in bins of Q/P, whose edges are the floats with the upper 4 bits of a fraction: 16 to a power of two, so
 * that a bin is found by a shift. At an edge D is exact; inside a bin it is at most the tangent at the lower edge,
 * along which the budget is spent: never too much, and at most some hundredths of the bin's share less than could be.
 */
#ifndef COOLSD_KERNELS_COMMON_BUDGET_H
#define COOLSD_KERNELS_COMMON_BUDGET_H

#include <stdint.h>

#include "qualifiers.h"

namespace coolsd {

constexpr int kBudgetBins = 256; /* 16 powers of two; the last also has what lies above */

/* What is kept of a budget, so that the drift that another summation finds is not above it by rounding. */
constexpr double kBudgetMargin = 2e-6;

/* Sums over the tokens of one bin. */
struct BudgetBin {
  double excess; /* of Q - P */
  double mass;   /* of P */
};

/* The bin of a token with q > p > 0, both in one unit. */
COOLSD_HD int budget_bin(float p, float q) {
  const float ratio = q / p;
  uint32_t bits;
  __builtin_memcpy(&bits, &ratio, sizeof bits);
  const int bin = static_cast<int>(bits >> 19) - (127 << 4);
  return bin < 0 ? 0 : bin < kBudgetBins ? bin : kBudgetBins - 1;
}

/* The lower edge of a bin. */
COOLSD_HD double budget_edge(int bin) {
  return static_cast<double>(uint64_t{1} << (bin >> 4)) * (1 + static_cast<double>(bin & 15) / 16);
}

/* No factor is larger: P is an f32 and 0 below 2^-126, so that times this it is nothing that the sums have missed. */
constexpr double kBudgetLargestFactor = 0x1p64;

/* The largest factor that a cap allows. */
COOLSD_HD double budget_most(double cap) { return cap < kBudgetLargestFactor ? cap : kBudgetLargestFactor; }

/*
 * The factor that spends the budget along the tangent at bin k's lower edge, at most the edge of the next; 0 where D at
 * the edge is above the budget already. below is the excess of the bins under k, above the mass from k on. The factor
 * of a position is that of the last bin that gives one.
 */
COOLSD_HD double budget_reach(int k, double below, double above, double most, double budget) {
  const double allowed = budget - kBudgetMargin;
  const double edge = budget_edge(k);
  const double at_edge = below + (edge - 1) * above;
  if (!(at_edge <= allowed)) return 0;
  const double next = k + 1 < kBudgetBins ? budget_edge(k + 1) : most;
  const double reached = above > 0 ? edge + (allowed - at_edge) / above : next;
  const double bounded = reached < next ? reached : next;
  return bounded < most ? bounded : most;
}

/* What was found, in [1, most] and rounded down to an f32: what is reported is what is used. */
COOLSD_HD float found_factor(double found, double cap, double budget) {
  if (!(cap > 1) || !(budget - kBudgetMargin > 0)) return 1;
  const float rounded = static_cast<float>(found);
  if (static_cast<double>(rounded) <= found) return rounded > 1 ? rounded : 1;
  uint32_t bits;
  __builtin_memcpy(&bits, &rounded, sizeof bits);
  --bits;
  float lower;
  __builtin_memcpy(&lower, &bits, sizeof lower);
  return lower > 1 ? lower : 1;
}

/*
 * The factor. bin(k) is a BudgetBin, in P's unit divided by mass, that is as a sum of probabilities. The bins are
 * summed from above: the mass of far tokens is tiny beside the others', but they have all of the drift of a large
 * factor.
 */
template <typename Bin>
COOLSD_HD float budget_factor(double cap, double budget, Bin bin) {
  double excess = 0;
  for (int k = 0; k < kBudgetBins; ++k) excess += bin(k).excess;
  double factor = budget_most(cap);
  if (excess > budget - kBudgetMargin) {
    double above = 0; /* mass from bin k on */
    double rest = 0;  /* excess from bin k on */
    double reached = 0;
    for (int k = kBudgetBins - 1; k >= 0 && reached == 0; --k) {
      const BudgetBin here = bin(k);
      above += here.mass;
      rest += here.excess;
      reached = budget_reach(k, excess > rest ? excess - rest : 0, above, factor, budget);
    }
    factor = reached;
  }
  return found_factor(factor, cap, budget);
}

}  // namespace coolsd

#endif
