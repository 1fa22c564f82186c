/*
 * 2^t in every lane for t <= 126, two ways: exp2() for every t, with 0 at -inf, and finite_exp2(), which gives
 * factor 2^(x scale), or something not finite where x scale is below -2^86, and is faster for it. Relative error below
 * 2^-21 from -126 on (simd_test.cpp goes through every binade against double); below that less than 2^-125. NaN stays
 * NaN: a sum of powers tells whether there was one.
 */
#if defined(COOLSD_EXP2_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COOLSD_EXP2_INL_H
#undef COOLSD_EXP2_INL_H
#else
#define COOLSD_EXP2_INL_H
#endif

#include <hwy/highway.h>

#include "simd/row-inl.h"

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

/* Whether finite_exp2() of x and the factor 2^(-reference scale) will do for x - reference: one operation less. */
constexpr bool kFactorShifts = true;

/* 2^(i / 32) */
HWY_ALIGN static constexpr float kRoots[32] = {
    1.00000000e+00f, 1.02189720e+00f, 1.04427373e+00f, 1.06714046e+00f, 1.09050775e+00f, 1.11438680e+00f,
    1.13878858e+00f, 1.16372490e+00f, 1.18920708e+00f, 1.21524739e+00f, 1.24185777e+00f, 1.26905096e+00f,
    1.29683959e+00f, 1.32523668e+00f, 1.35425556e+00f, 1.38390994e+00f, 1.41421354e+00f, 1.44518077e+00f,
    1.47682619e+00f, 1.50916445e+00f, 1.54221082e+00f, 1.57598090e+00f, 1.61049032e+00f, 1.64575553e+00f,
    1.68179286e+00f, 1.71861935e+00f, 1.75625217e+00f, 1.79470909e+00f, 1.83400810e+00f, 1.87416768e+00f,
    1.91520655e+00f, 1.95714414e+00f,
};

/*
 * x scale = n + r with n a multiple of 1/32: the table, into which the factor goes once for all, a quadratic and the
 * exponent. At -inf r is NaN, of which scalef makes 0; beyond -2^86 r can be so large that its square is infinite.
 */
template <class D, class V = hn::Vec<D>>
HWY_INLINE V finite_exp2(D d, V x, V scale, V factor) {
  /* Adding 1.5 * 2^18 rounds to a multiple of 1/32, whose last five bits choose the root. */
  const V magic = hn::Set(d, 393216.0f);
  const V shifted = hn::MulAdd(x, scale, magic);
  const V n = shifted - magic;
  const V r = hn::MulSub(x, scale, n);
  const V low = hn::Load(d, kRoots) * factor, high = hn::Load(d, kRoots + 16) * factor;
  const V root{_mm512_permutex2var_ps(low.raw, _mm512_castps_si512(shifted.raw), high.raw)};
  /* Minimax in relative error on [-1/64, 1/64], 5.4e-8 before rounding; in an order that needs no copy of r. */
  const V slope = root * r;
  const V y = hn::MulAdd(slope, hn::MulAdd(r, hn::Set(d, 2.40231819e-01f), hn::Set(d, 6.93157399e-01f)), root);
  return V{_mm512_scalef_ps(y.raw, n.raw)};
}

/* With the factor 1. */
template <class D, class V = hn::Vec<D>>
HWY_INLINE V finite_exp2(D d, V x, V scale) {
  return finite_exp2(d, x, scale, hn::Set(d, 1.0f));
}

#else

constexpr bool kFactorShifts = false;

template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2(D d, V t) {
  const hn::RebindToSigned<D> di;
  const V bounded = larger_or_second(hn::Set(d, -127.0f), t);
  /* Adding 1.5 * 2^23 rounds to an integer, which the low bits then hold; 127 more make it an exponent. */
  const V magic = hn::Set(d, 12582912.0f + 127.0f);
  const V shifted = bounded + magic;
  const V r = bounded - (shifted - magic);
  /* Minimax in relative error on [-1/2, 1/2], 1.5e-7 before rounding. */
  const V y = polynomial(d, r, 6.93147004e-01f, 2.40222424e-01f, 5.55073358e-02f, 9.67151299e-03f, 1.32647273e-03f);
  /* At -127 the exponent's bits are 0 and the factor is 0. */
  return y * hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V finite_exp2(D d, V x, V scale, V factor) {
  return exp2(d, x * scale) * factor;
}

/* With the factor 1. */
template <class D, class V = hn::Vec<D>>
HWY_INLINE V finite_exp2(D d, V x, V scale) {
  return exp2(d, x * scale);
}

#endif

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
