/* What two laws of a position leave after what is accepted: sums over both rows, and the draw. */
#ifndef COOLSD_NATIVE_RESIDUAL_H
#define COOLSD_NATIVE_RESIDUAL_H

#include <cstdint>
#include <vector>

#include "common/rule.h"
#include "law.h"

namespace coolsd {

/* Sums over the vocabulary, P and Q normalised. */
struct Moments {
  double residual; /* sum of [P - Q f]+ */
  double drift;    /* sum of [Q f - P]+ = TV(Phat, P) */
};

/* A residual max(P - draft Q, (1 - omega) P - affine Q, 0); common/rule.h. */
struct ResidualRule {
  double omega;
  double affine = 0;
  double draft = 1;
};

/* One pass over both rows, whichever rule asks for it; the sums of its blocks stay for the draw. */
class Residual {
 public:
  explicit Residual(int32_t vocab) : sums_(static_cast<size_t>(vocab / simd::kBlock) + 1) {}

  /* Reads both rows, once. Reports what is wrong with a draft row whose normaliser came from the caller. */
  coolsd_row_status sum(const Law& p, const Law& q, const ResidualRule& rule, bool drift, Scratch& scratch,
                        Moments& out);

  /* Inverse CDF of the normalised residual at u; of the same laws after sum(). -1 where it is empty. */
  int32_t draw(const Law& p, const Law& q, double u, Scratch& scratch) const;

 private:
  struct Pass;

  ResidualRule rule_{1};
  double total_ = 0; /* in units of P's exponentials */
  std::vector<double> sums_;
};

/*
 * The largest factor up to cap whose drift is within the budget (common/budget.h), from one pass over both rows; the
 * draft row's status as from Residual.
 */
coolsd_row_status factor_of_budget(const Law& p, const Law& q, double cap, double budget, Scratch& scratch,
                                   float* factor);

}  // namespace coolsd

#endif
