/* Exponentials of the tokens that a cut-off keeps. */
#if defined(COOLSD_KEPT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COOLSD_KEPT_INL_H
#undef COOLSD_KEPT_INL_H
#else
#define COOLSD_KEPT_INL_H
#endif

#include <cmath>

#include "common/ordered.h"
#include "simd/exp2-inl.h"
#include "simd/row-inl.h"
#include "simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

/* What an exponential without its reference is too large by, inverted; and whether finite_exp2() can take that. */
inline double shift(float reference, float scale) {
  return std::exp2(-static_cast<double>(reference) * static_cast<double>(scale));
}
inline bool in_reach(double factor) { return factor > 0x1p-100 && factor < 0x1p100; }

/*
 * What a token's value must reach to be kept: the cut value up to the last token of that value that is kept, the next
 * float behind it.
 */
class Bounds {
 public:
  explicit Bounds(const Exponential& e) : split_(e.cut_index + 1) {
    const D d;
    hn::Store(hn::Set(d, e.cut_value), d, bounds_);
    hn::Store(hn::Set(d, from_ordered(ordered(e.cut_value) + 1)), d, bounds_ + lanes());
  }

  /* Of tokens i, i + 1, ... */
  HWY_INLINE V at(int32_t i) const {
    const int32_t behind = lanes() + i - split_; /* as many of the lanes as this, at least none and at most all */
    return hn::LoadU(D(), bounds_ + HWY_MAX(0, HWY_MIN(behind, lanes())));
  }

 private:
  HWY_ALIGN float bounds_[2 * HWY_MAX_BYTES / sizeof(float)];
  int32_t split_;
};

/* Which of the tokens i, i + 1, ... with values x the cut-off keeps. */
HWY_INLINE M kept_of(V x, const Bounds& bounds, int32_t i) { return x >= bounds.at(i); }

/*
 * Of tokens i, i + 1, ...; without kCut of all of them. power(x, scale) is 2^(x scale), if kShifted with the reference
 * in its factor.
 */
template <bool kCut, bool kShifted = false, class Power>
HWY_INLINE V exponential(V x, const Exponential& e, const Bounds& bounds, int32_t i, Power power) {
  const D d;
  const V y = power(kShifted ? x : x - hn::Set(d, e.reference), hn::Set(d, e.scale));
  if constexpr (!kCut) return y;
  return hn::IfThenElseZero(kept_of(x, bounds, i), y);
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
