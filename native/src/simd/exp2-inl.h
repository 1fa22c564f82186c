/*
 * 2^t in every lane for t <= 127: relative error below 2^-21 from -126 on (simd_test.cpp checks every binade against
 * double), smaller than 2^-125 below that, 0 at -inf; NaN stays NaN, so that a sum of powers tells whether there was
 * one.
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

/* 1 + c1 r + ... + c5 r^5. */
template <class D, class V = hn::Vec<D>>
HWY_INLINE V polynomial(D d, V r, float c1, float c2, float c3, float c4, float c5) {
  V y = hn::MulAdd(hn::Set(d, c5), r, hn::Set(d, c4));
  y = hn::MulAdd(y, r, hn::Set(d, c3));
  y = hn::MulAdd(y, r, hn::Set(d, c2));
  y = hn::MulAdd(y, r, hn::Set(d, c1));
  return hn::MulAdd(y, r, hn::Set(d, 1.0f));
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3

/* AVX-512 has instructions for t - floor(t), 0 at -inf, and for y 2^floor(t): no bits to handle, no range to check. */
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2(D d, V t) {
  constexpr int kDown = 0x09; /* floor, without exceptions */
  const V r{_mm512_reduce_ps(t.raw, kDown)};
  /* Minimax in relative error on [0, 1], 8.2e-8 before rounding. */
  const V y = polynomial(d, r, 6.93151312e-01f, 2.40164450e-01f, 5.57999134e-02f, 9.01702996e-03f, 1.86713021e-03f);
  return V{_mm512_scalef_ps(y.raw, t.raw)};
}

#else

template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2(D d, V t) {
  const hn::RebindToSigned<D> di;
  /* The larger of the two in this order: where one is NaN, x86 returns the second. */
  const V bounded = hn::Max(hn::Set(d, -127.0f), t);
  /* Adding 1.5 * 2^23 rounds to an integer, which the low bits then hold; 127 more make it an exponent. */
  const V magic = hn::Set(d, 12582912.0f + 127.0f);
  const V shifted = bounded + magic;
  const V r = bounded - (shifted - magic);
  /* Minimax in relative error on [-1/2, 1/2], 1.5e-7 before rounding. */
  const V y = polynomial(d, r, 6.93147004e-01f, 2.40222424e-01f, 5.55073358e-02f, 9.67151299e-03f, 1.32647273e-03f);
  /* At -127 the exponent's bits are 0 and the factor is 0. */
  return y * hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
}

#endif

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
