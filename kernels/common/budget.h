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

/* The search among the bins, from the lowest up. */
struct BudgetSearch {
  double below;  /* excess of the bins before the one that is next */
  double above;  /* mass from that on: the slope of D */
  double factor; /* cap until it is found */
  bool found;
};

/* Looks at bin k. */
COOLSD_HD void budget_step(BudgetSearch& search, int k, const BudgetBin& here, double cap, double budget) {
  const double allowed = budget - kBudgetMargin;
  const double edge = budget_edge(k);
  if (search.found || edge >= cap || !(search.above > 0)) {
    search.found = true;
    return;
  }
  const bool last = k + 1 == kBudgetBins;
  const double next = last ? cap : budget_edge(k + 1);
  const double rest = search.above - here.mass > 0 ? search.above - here.mass : 0;
  if (last || search.below + here.excess + (next - 1) * rest > allowed) {
    const double at_edge = search.below + (edge - 1) * search.above;
    const double reached = edge + (allowed - at_edge) / search.above;
    const double bounded = reached < next ? reached : next;
    search.factor = bounded < cap ? bounded : cap;
    search.found = true;
    return;
  }
  search.below += here.excess;
  search.above = rest;
}

/* What the search found, in [1, cap] and rounded down to an f32: what is reported is what is used. */
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

/* The factor. bin(k) is a BudgetBin, in P's unit divided by mass, that is as a sum of probabilities. */
template <typename Bin>
COOLSD_HD float budget_factor(double cap, double budget, Bin bin) {
  BudgetSearch search = {0, 0, cap, false};
  for (int k = kBudgetBins - 1; k >= 0; --k) search.above += bin(k).mass;
  for (int k = 0; k < kBudgetBins && !search.found; ++k) budget_step(search, k, bin(k), cap, budget);
  return found_factor(search.factor, cap, budget);
}

}  // namespace coolsd

#endif
