/* The pass that a visited row takes: sums of the exponentials, and the largest value. */
#include <limits>

#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/mass.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "simd/kept-inl.h"
#include "simd/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

template <bool kShifted, class Source>
int32_t Pass(const Source x, int32_t n, const MassTerms& terms, double* sums, float* largest) {
  const D d;
  const V reference = hn::Set(d, terms.reference), scale = hn::Set(d, terms.scale);
  const V factor = hn::Set(d, kShifted ? static_cast<float>(shift(terms.reference, terms.scale)) : 1.0f);
  const auto power = [&](V v) HWY_ATTR {
    if constexpr (kShifted) return finite_exp2(d, v, scale, factor);
    return finite_exp2(d, v - reference, scale);
  };
  const int32_t step = lanes();
  int32_t done = 0;
  for (int32_t i = 0; i < n; ++done) {
    const int32_t end = HWY_MIN(n, i + kBlock);
    V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    V m0 = hn::Neg(hn::Inf(d)), m1 = m0;
    for (; i + 4 * step <= end; i += 4 * step) {
      V a, b, c, e;
      x.two(i, a, b);
      x.two(i + 2 * step, c, e);
      m0 = hn::Max(hn::Max(m0, a), b);
      m1 = hn::Max(hn::Max(m1, c), e);
      s0 = s0 + power(a);
      s1 = s1 + power(b);
      s2 = s2 + power(c);
      s3 = s3 + power(e);
    }
    for (; i + step <= end; i += step) {
      const V a = x.whole(i);
      m0 = hn::Max(m0, a);
      s0 = s0 + power(a);
    }
    if (i < end) {
      const V a = x.rest(i, end);
      m1 = hn::Max(m1, a);
      s1 = s1 + hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(end - i)), power(a));
      i = end;
    }
    /* Nothing waits for these: the next block's loads and powers are under way. */
    const float sum = hn::GetLane(hn::SumOfLanes(d, (s0 + s1) + (s2 + s3)));
    const float most = hn::GetLane(hn::MaxOfLanes(d, hn::Max(m0, m1)));
    if (!(sum < std::numeric_limits<float>::infinity()) || most > terms.limit) break;
    sums[done] = static_cast<double>(sum);
    *largest = HWY_MAX(*largest, most);
  }
  return done;
}

template <class Source>
int32_t PassOver(const Source x, int32_t n, const MassTerms& terms, double* sums, float* largest) {
  if (kFactorShifts && in_reach(shift(terms.reference, terms.scale))) {
    return Pass<kFactorShifts>(x, n, terms, sums, largest);
  }
  return Pass<false>(x, n, terms, sums, largest);
}

template <int kDtype>
int32_t PassAs(const Row& row, int32_t n, const MassTerms& terms, double* sums, float* largest) {
  if (row.uncond == nullptr) return PassOver(Elements<kDtype, false>{row.data, nullptr, 0}, n, terms, sums, largest);
  return PassOver(Elements<kDtype, true>{row.data, row.uncond, row.guidance}, n, terms, sums, largest);
}

int32_t MassOf(const Row& row, int32_t n, const MassTerms& terms, double* sums, float* largest) {
  switch (row.dtype) {
    case COOLSD_F32:
      return PassAs<COOLSD_F32>(row, n, terms, sums, largest);
    case COOLSD_F16:
      return PassAs<COOLSD_F16>(row, n, terms, sums, largest);
    default:
      return PassAs<COOLSD_BF16>(row, n, terms, sums, largest);
  }
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coolsd::simd {

HWY_EXPORT(MassOf);

int32_t mass(const Row& row, int32_t n, const MassTerms& terms, double* sums, float* largest) {
  return HWY_DYNAMIC_DISPATCH(MassOf)(row, n, terms, sums, largest);
}

}  // namespace coolsd::simd
#endif
