/* Exponentials of the tokens that a cut-off keeps. */
#if defined(COOLSD_KEPT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COOLSD_KEPT_INL_H
#undef COOLSD_KEPT_INL_H
#else
#define COOLSD_KEPT_INL_H
#endif

#include "simd/exp2-inl.h"
#include "simd/row-inl.h"
#include "simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

/* Of tokens i, i + 1, ...; without kCut of all of them. power(x, scale) is 2^(x scale). */
template <bool kCut, class Power>
HWY_INLINE V exponential(V x, const Exponential& e, int32_t i, Power power) {
  const D d;
  const V y = power(x - hn::Set(d, e.reference), hn::Set(d, e.scale));
  if constexpr (!kCut) return y;
  const hn::RebindToSigned<D> di;
  const M early = hn::RebindMask(d, hn::Iota(di, i) < hn::Set(di, e.cut_index + 1));
  const V cut_value = hn::Set(d, e.cut_value);
  return hn::IfThenElseZero(hn::Or(x > cut_value, hn::And(x == cut_value, early)), y);
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
