/* What a sampling may say, and what it makes of a vocabulary. */
#ifndef COOLSD_KERNELS_COMMON_SAMPLING_H
#define COOLSD_KERNELS_COMMON_SAMPLING_H

#include <stdint.h>

#include "coolsd.h"
#include "number.h"
#include "qualifiers.h"

namespace coolsd {

/* The first member that is out of the range that coolsd.h gives for it. */
enum class SamplingFault { kNone, kStructSize, kTemperature, kGuidance, kTopK, kTopP, kWindow };

COOLSD_HD SamplingFault sampling_fault(const coolsd_sampling& s, int32_t vocab) {
  if (s.struct_size != sizeof(coolsd_sampling)) return SamplingFault::kStructSize;
  if (!(s.temperature >= 0 && is_finite(s.temperature))) return SamplingFault::kTemperature;
  if (!is_finite(s.guidance)) return SamplingFault::kGuidance;
  if (s.top_k < 0) return SamplingFault::kTopK;
  if (!(s.top_p > 0 && s.top_p <= 1)) return SamplingFault::kTopP;
  const bool all = s.window_lo == 0 && s.window_hi == 0;
  const bool inside = 0 <= s.window_lo && s.window_lo < s.window_hi && s.window_hi <= vocab;
  return all || inside ? SamplingFault::kNone : SamplingFault::kWindow;
}

/* The tokens lo <= t < hi that can be drawn. */
struct Window {
  int32_t lo, hi;
  COOLSD_HD int32_t size() const { return hi - lo; }
};

COOLSD_HD Window window(const coolsd_sampling& s, int32_t vocab) {
  return {s.window_lo, s.window_hi == 0 ? vocab : s.window_hi};
}

/* The scale of the powers of two: log2(e) / temperature. Temperature 0 keeps one token, to which it means nothing. */
COOLSD_HD double power_scale(float temperature) {
  /* Beyond f32 the powers are 0 or 1 anyway; infinity times 0 would not be. */
  constexpr double kMost = 1e38, kLog2E = 1.4426950408889634;
  const double scale = temperature == 0 ? kMost : kLog2E / static_cast<double>(temperature);
  return scale < kMost ? scale : kMost;
}

/* What a sampling cuts off, of a window of n tokens. */
struct CutRequest {
  bool any;
  int32_t top_k; /* 1..n */
  double top_p;  /* above 0, at most 1 */
};

COOLSD_HD CutRequest cut_request(const coolsd_sampling& s, int32_t n) {
  if (s.temperature == 0) return {true, 1, 1};
  const int32_t k = s.top_k == 0 || s.top_k > n ? n : s.top_k;
  return {k < n || s.top_p < 1, k, static_cast<double>(s.top_p)};
}

}  // namespace coolsd

#endif
