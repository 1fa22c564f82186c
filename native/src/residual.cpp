#include "residual.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace coolsd {

simd::ResidualTerms Residual::terms(int32_t from, bool drift) const {
  return {p_.exponential(from),           q_.exponential(from), static_cast<float>(p_.mass() / q_.mass()),
          static_cast<float>(1 - omega_), q_.largest(),         drift};
}

double Residual::block(int32_t from, bool drift, Scratch& scratch, simd::ResidualReport* report) const {
  const int32_t n = std::min(simd::kBlock, p_.hi() - from);
  /* Tokens outside Q's window: their residual is P itself. */
  const int32_t lo = std::clamp(q_.lo() - from, 0, n), hi = std::clamp(q_.hi() - from, lo, n);
  const float* x = p_.values(from, n, scratch.target_block.data());
  float* weights = scratch.weights.data();
  double sum = 0;
  if (lo > 0) sum += simd::exponentials(x, lo, p_.exponential(from), weights);
  if (lo < hi) {
    const float* y = q_.values(from + lo, hi - lo, scratch.draft_block.data());
    sum += simd::residuals(x + lo, y, terms(from + lo, drift), hi - lo, weights + lo, report);
  }
  if (hi < n) sum += simd::exponentials(x + hi, n - hi, p_.exponential(from + hi), weights + hi);
  return sum;
}

coolsd_row_status Residual::sum(bool with_drift, Scratch& scratch, Moments& out) {
  const bool drift = with_drift && omega_ > 1;
  /* In place where both rows are what the fast loop reads, until something stops it. */
  bool fast = simd::readable_together(p_.row(), q_.row()) && q_.lo() <= p_.lo() && p_.hi() <= q_.hi();
  simd::ResidualReport report;
  for (int32_t from = p_.lo(); from < p_.hi();) {
    double* sums = &scratch.sums[static_cast<size_t>((from - p_.lo()) / simd::kBlock)];
    if (fast) {
      fast = false;
      from += simd::residual_sums(p_.row().from(from), q_.row().from(from), terms(from, drift), p_.hi() - from, sums,
                                  &report) *
              simd::kBlock;
    } else {
      *sums = block(from, drift, scratch, &report);
      from += simd::kBlock;
    }
  }
  const auto blocks = (p_.hi() - p_.lo() + simd::kBlock - 1) / simd::kBlock;
  total_ = std::accumulate(scratch.sums.begin(), scratch.sums.begin() + blocks, 0.0);
  if (!report.draft_fits) return what_is_wrong();
  out = {total_ / p_.mass(), report.drift / p_.mass()};
  return COOLSD_ROW_OK;
}

/* Of what the windows share: NaN before infinity before a value above the normaliser's largest. */
coolsd_row_status Residual::what_is_wrong() const {
  coolsd_row_status worst = COOLSD_ROW_NORMALISER;
  for (int32_t v = std::max(p_.lo(), q_.lo()); v < std::min(p_.hi(), q_.hi()); ++v) {
    const coolsd_row_status status = q_.row().status(v);
    if (status == COOLSD_ROW_NAN) return status;
    if (status == COOLSD_ROW_INFINITE) worst = status;
  }
  return worst;
}

int32_t Residual::draw(double u, Scratch& scratch) const {
  const double wanted = u * total_;
  double before = 0;
  for (int32_t from = p_.lo(), i = 0; total_ > 0 && from < p_.hi(); from += simd::kBlock, ++i) {
    const double sum = scratch.sums[static_cast<size_t>(i)];
    if (before + sum > wanted) {
      simd::ResidualReport ignored;
      block(from, false, scratch, &ignored);
      /* The block's sum may have been rounding only, and so not be there again. */
      const int32_t found =
          simd::search(scratch.weights.data(), std::min(simd::kBlock, p_.hi() - from), before, wanted);
      if (found >= 0) return from + found;
    }
    before += sum;
  }
  return p_.draw(u, scratch);
}

}  // namespace coolsd
