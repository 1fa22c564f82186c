/* Exponentials of the tokens that a cut-off keeps. */
#if defined(COOLSD_KEPT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COOLSD_KEPT_INL_H
#undef COOLSD_KEPT_INL_H
#else
#define COOLSD_KEPT_INL_H
#endif

#include <cmath>

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

/* 0, 1, 2, ... of as many lanes as there are anywhere. Iota() of Highway 1.0 goes through the stack in every call. */
HWY_ALIGN static constexpr int32_t kCounted[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                   16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                                   32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                                   48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/* Which of the tokens i, i + 1, ... with values x the cut-off keeps. */
HWY_INLINE M kept_of(V x, const Exponential& e, int32_t i) {
  const D d;
  const hn::RebindToSigned<D> di;
  const M early = hn::RebindMask(d, hn::Load(di, kCounted) < hn::Set(di, e.cut_index + 1 - i));
  const V cut_value = hn::Set(d, e.cut_value);
  return hn::Or(x > cut_value, hn::And(x == cut_value, early));
}

/*
 * Of tokens i, i + 1, ...; without kCut of all of them. power(x, scale) is 2^(x scale), if kShifted with the reference
 * in its factor.
 */
template <bool kCut, bool kShifted = false, class Power>
HWY_INLINE V exponential(V x, const Exponential& e, int32_t i, Power power) {
  const D d;
  const V y = power(kShifted ? x : x - hn::Set(d, e.reference), hn::Set(d, e.scale));
  if constexpr (!kCut) return y;
  return hn::IfThenElseZero(kept_of(x, e, i), y);
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
