/*
 * 2^t for t <= 0 in every lane: n = round(t), r = t - n exactly, a polynomial of degree 5 for 2^r on [-1/2, 1/2]
 * (minimax in relative error, 2.4e-7 with the roundings; see simd_test.cpp, which checks every result in the range
 * against double), and n added to the exponent. Below -126 the result is 0.
 */
#if defined(COOLSD_EXP2_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COOLSD_EXP2_INL_H
#undef COOLSD_EXP2_INL_H
#else
#define COOLSD_EXP2_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2_nonpositive(D d, V t) {
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
  const V shifted = t + magic;
  const V r = t - (shifted - magic);
  V y = hn::Set(d, 1.32647273e-03f);
  y = hn::MulAdd(y, r, hn::Set(d, 9.67151299e-03f));
  y = hn::MulAdd(y, r, hn::Set(d, 5.55073358e-02f));
  y = hn::MulAdd(y, r, hn::Set(d, 2.40222424e-01f));
  y = hn::MulAdd(y, r, hn::Set(d, 6.93147004e-01f));
  y = hn::MulAdd(y, r, hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  const V scaled = hn::BitCast(d, hn::BitCast(di, y) + exponent);
  return hn::IfThenElseZero(t >= hn::Set(d, -126.0f), scaled);
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
