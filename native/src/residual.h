/* The resampling law after a rejection, and what a position's law differs from the target's by. */
#ifndef COOLSD_NATIVE_RESIDUAL_H
#define COOLSD_NATIVE_RESIDUAL_H

#include <cstdint>

#include "law.h"

namespace coolsd {

/* Sums over the vocabulary, P and Q normalised. */
struct Moments {
  double residual; /* sum of [P - Q f]+ */
  double drift;    /* sum of [Q f - P]+ = TV(Phat, P) */
};

class Residual {
 public:
  /* omega >= 0; both laws must outlive this. */
  Residual(const Law& p, const Law& q, double omega) : p_(p), q_(q), omega_(omega) {}

  /* Reads both rows. Reports what is wrong with a draft row whose normaliser came from the caller. */
  coolsd_row_status sum(bool drift, Scratch& scratch, Moments& out);

  /* Inverse CDF of Norm(residual) at u, or of P where the residual is empty; after sum(). */
  int32_t draw(double u, Scratch& scratch) const;

 private:
  simd::ResidualTerms terms(int32_t from, bool drift) const;
  /* One block's residuals, into the scratch's weights, and their sum. */
  double block(int32_t from, bool drift, Scratch& scratch, simd::ResidualReport* report) const;
  coolsd_row_status what_is_wrong() const;

  const Law& p_;
  const Law& q_;
  double omega_;
  double total_ = 0; /* in units of P's exponentials */
};

}  // namespace coolsd

#endif
