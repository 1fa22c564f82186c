#include "residual.h"

#include <algorithm>
#include <cmath>

namespace coolsd {

/* Outside Q's window the residual is P itself. */
Residual::Overlap Residual::overlap(int32_t from, int32_t n) const {
  const int32_t lo = std::clamp(q_.lo() - from, 0, n);
  return {lo, std::clamp(q_.hi() - from, lo, n)};
}

simd::ResidualTerms Residual::terms(int32_t from) const {
  return {p_.exponential(from), q_.exponential(from), static_cast<float>(p_.mass() / q_.mass()),
          static_cast<float>(1 - omega_), q_.largest()};
}

coolsd_row_status Residual::sum(bool drift, Scratch& scratch, Moments& out) {
  const bool in_place = simd::readable_together(p_.row(), q_.row());
  double drift_sum = 0;
  bool fits = true;
  total_ = 0;
  for (int32_t from = p_.lo(), i = 0; from < p_.hi(); from += simd::kBlock, ++i) {
    const int32_t n = std::min(simd::kBlock, p_.hi() - from);
    const auto [lo, hi] = overlap(from, n);
    double sum = 0;
    const auto alone = [&](int32_t a, int32_t b) {
      if (a == b) return;
      const float* x = p_.values(from + a, b - a, scratch.target_block.data());
      sum += simd::exponentials(x, b - a, p_.exponential(from + a), scratch.weights.data());
    };
    alone(0, lo);
    if (lo < hi) {
      const int32_t a = from + lo, both = hi - lo;
      const Row p = in_place ? p_.row().from(a) : Row(p_.values(a, both, scratch.target_block.data()));
      const Row q = in_place ? q_.row().from(a) : Row(q_.values(a, both, scratch.draft_block.data()));
      const simd::ResidualSums sums = simd::residual_sums(p, q, terms(a), both, drift && omega_ > 1);
      sum += sums.residual;
      drift_sum += sums.drift;
      fits = fits && sums.draft_fits;
    }
    alone(hi, n);
    scratch.sums[static_cast<size_t>(i)] = sum;
    total_ += sum;
  }
  if (!fits) return what_is_wrong();
  out = {total_ / p_.mass(), drift_sum / p_.mass()};
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
  if (!(total_ > 0)) return p_.draw(u, scratch);
  const double wanted = u * total_;
  double before = 0;
  for (int32_t from = p_.lo(), i = 0; from < p_.hi(); from += simd::kBlock, ++i) {
    const double s = scratch.sums[static_cast<size_t>(i)];
    if (s > 0 && before + s > wanted) {
      const int32_t n = std::min(simd::kBlock, p_.hi() - from);
      const auto [lo, hi] = overlap(from, n);
      float* weights = scratch.weights.data();
      const float* x = p_.values(from, n, scratch.target_block.data());
      /* The exponentials of P first, then over them the residual where there is a Q. */
      if (lo > 0 || hi < n) simd::exponentials(x, n, p_.exponential(from), weights);
      if (lo < hi) {
        const float* y = q_.values(from + lo, hi - lo, scratch.draft_block.data());
        simd::residuals(x + lo, y, terms(from + lo), hi - lo, weights + lo);
      }
      return from + search(weights, n, before, wanted);
    }
    before += s;
  }
  return p_.draw(u, scratch);
}

}  // namespace coolsd
