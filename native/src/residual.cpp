#include "residual.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace coolsd {

/*
 * One block of the residual. Where the windows of P and Q overlap only in part, the rest is read as Q = 0: its residual
 * is P itself.
 */
double Residual::block(int32_t from, int32_t n, bool drift, Scratch& scratch, float* out,
                       simd::ResidualSums* seen) const {
  const int32_t a = std::clamp(q_.lo(), from, from + n);
  const int32_t b = std::clamp(q_.hi(), a, from + n);
  const float* x = p_.values(from, n, scratch.target_block.data());
  double sum = 0;
  const auto alone = [&](int32_t lo, int32_t hi) {
    if (lo < hi) sum += simd::exponentials(x + (lo - from), hi - lo, p_.exponential(lo), out ? out + (lo - from) : out);
  };
  alone(from, a);
  if (a < b) {
    const float* y = q_.values(a, b - a, scratch.draft_block.data());
    const simd::ResidualSums s = simd::residual(
        x + (a - from), p_.exponential(a), y, q_.exponential(a), static_cast<float>(p_.mass() / q_.mass()),
        static_cast<float>(1 - omega_), b - a, drift, out ? out + (a - from) : out);
    sum += s.residual;
    seen->drift += s.drift;
    seen->draft_largest = std::max(seen->draft_largest, s.draft_largest);
    seen->draft_nan = seen->draft_nan || s.draft_nan;
  }
  alone(b, from + n);
  return sum;
}

coolsd_row_status Residual::sum(bool drift, Scratch& scratch, Moments& out) {
  simd::ResidualSums seen{0, 0, -std::numeric_limits<float>::infinity(), false};
  total_ = 0;
  for (int32_t from = p_.lo(), i = 0; from < p_.hi(); from += simd::kBlock, ++i) {
    const int32_t n = std::min(simd::kBlock, p_.hi() - from);
    const double s = block(from, n, drift && omega_ > 1, scratch, nullptr, &seen);
    scratch.sums[static_cast<size_t>(i)] = s;
    total_ += s;
  }
  if (seen.draft_nan) return COOLSD_ROW_NAN;
  if (seen.draft_largest == std::numeric_limits<float>::infinity()) return COOLSD_ROW_INFINITE;
  if (seen.draft_largest > q_.largest()) return COOLSD_ROW_NORMALISER;
  out = {total_ / p_.mass(), seen.drift / p_.mass()};
  return COOLSD_ROW_OK;
}

int32_t Residual::draw(double u, Scratch& scratch) const {
  if (!(total_ > 0)) return p_.draw(u, scratch);
  const double wanted = u * total_;
  simd::ResidualSums ignored{0, 0, 0, false};
  double before = 0;
  for (int32_t from = p_.lo(), i = 0; from < p_.hi(); from += simd::kBlock, ++i) {
    const double s = scratch.sums[static_cast<size_t>(i)];
    if (s > 0 && before + s > wanted) {
      const int32_t n = std::min(simd::kBlock, p_.hi() - from);
      block(from, n, false, scratch, scratch.weights.data(), &ignored);
      return from + search(scratch.weights.data(), n, before, wanted);
    }
    before += s;
  }
  return p_.draw(u, scratch);
}

}  // namespace coolsd
