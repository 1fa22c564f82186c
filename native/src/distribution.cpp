#include "distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace coolsd {

Distribution::Distribution(int32_t vocab) : probability_(static_cast<size_t>(vocab)), order_(probability_.size()) {}

coolsd_row_status Distribution::assign(const Row& logits, const Row& unconditional, const coolsd_sampling& sampling) {
  const int32_t lo = sampling.window_lo;
  const int32_t hi = sampling.window_hi == 0 ? vocab() : sampling.window_hi;
  std::fill(probability_.begin(), probability_.end(), 0.0);
  double largest = -std::numeric_limits<double>::infinity();
  int32_t argmax = -1;
  for (int32_t v = lo; v < hi; ++v) {
    double x = static_cast<double>(logits[v]);
    if (unconditional.present()) {
      const double u = static_cast<double>(unconditional[v]);
      if (std::isnan(u)) return COOLSD_ROW_NAN;
      if (std::isinf(u) && u > 0) return COOLSD_ROW_INFINITE;
      // A token masked in either half is masked: inf - inf would be NaN.
      if (!std::isnan(x)) {
        x = std::isinf(x) && x < 0 ? x : std::isinf(u) ? u : u + static_cast<double>(sampling.guidance) * (x - u);
      }
    }
    if (std::isnan(x)) return COOLSD_ROW_NAN;
    if (std::isinf(x) && x > 0) return COOLSD_ROW_INFINITE;
    at(v) = x;
    if (x > largest) {
      largest = x;
      argmax = v;
    }
  }
  if (argmax < 0) return COOLSD_ROW_EMPTY;
  if (sampling.temperature == 0) {
    std::fill(probability_.begin() + lo, probability_.begin() + hi, 0.0);
    at(argmax) = 1;
    return COOLSD_ROW_OK;
  }
  double sum = 0;
  for (int32_t v = lo; v < hi; ++v) {
    at(v) = std::exp((at(v) - largest) / static_cast<double>(sampling.temperature));
    sum += at(v);
  }
  for (int32_t v = lo; v < hi; ++v) at(v) /= sum;
  const bool cut = sampling.top_k > 0 && sampling.top_k < hi - lo;
  if (cut || sampling.top_p < 1) {
    keep_largest(lo, hi, cut ? sampling.top_k : hi - lo, static_cast<double>(sampling.top_p));
  }
  return COOLSD_ROW_OK;
}

/* Top-k first, renormalised, then the smallest leading set with mass >= top_p; at least one token stays. */
void Distribution::keep_largest(int32_t lo, int32_t hi, int32_t top_k, double top_p) {
  const auto first = order_.begin();
  const auto last = first + (hi - lo);
  std::iota(first, last, lo);
  std::sort(first, last, [this](int32_t a, int32_t b) {
    const double pa = (*this)[a], pb = (*this)[b];
    return pa != pb ? pa > pb : a < b;
  });
  double mass = 0;
  for (int32_t i = 0; i < top_k; ++i) mass += (*this)[order_[static_cast<size_t>(i)]];
  int32_t kept = top_k;
  if (top_p < 1) {
    double reached = 0;
    kept = 0;
    do {
      reached += (*this)[order_[static_cast<size_t>(kept++)]] / mass;
    } while (kept < top_k && reached < top_p);
    mass *= reached;
  }
  for (auto i = first; i != last; ++i) {
    at(*i) = i - first < kept ? (*this)[*i] / mass : 0;
  }
}

int32_t Distribution::draw(uint32_t bits) const {
  double mass = 0;
  for (double p : probability_) mass += p;
  const double wanted = static_cast<double>(bits) * 0x1p-32 * mass;
  double reached = 0;
  int32_t last = -1;
  for (int32_t v = 0; v < vocab(); ++v) {
    const double p = (*this)[v];
    if (p > 0) {
      reached += p;
      last = v;
      if (reached > wanted) return v;
    }
  }
  return last;  // rounding left the end of the mass unreached
}

}  // namespace coolsd
