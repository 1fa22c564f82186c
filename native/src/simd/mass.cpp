/* The pass that every visited row takes: sum of the exponentials, and the largest value. */
#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/mass.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "simd/exp2-inl.h"
#include "simd/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

template <class Source>
Mass Pass(const Source x, int32_t n, float reference, float scale_factor) {
  const D d;
  const V from = hn::Set(d, reference), scale = hn::Set(d, scale_factor);
  V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  V m0 = hn::Neg(hn::Inf(d)), m1 = m0;
  const auto power = [&](V v) HWY_ATTR { return exp2(d, (v - from) * scale); };
  const int32_t step = lanes();
  int32_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    const V a = x.whole(i), b = x.whole(i + step), c = x.whole(i + 2 * step), e = x.whole(i + 3 * step);
    m0 = hn::Max(hn::Max(m0, a), b);
    m1 = hn::Max(hn::Max(m1, c), e);
    s0 = s0 + power(a);
    s1 = s1 + power(b);
    s2 = s2 + power(c);
    s3 = s3 + power(e);
  }
  for (; i < n; i += step) {
    const V a = i + step <= n ? x.whole(i) : x.rest(i, n);
    m0 = hn::Max(m0, a);
    s0 = s0 + power(a);
  }
  return {static_cast<double>(hn::GetLane(hn::SumOfLanes(d, (s0 + s1) + (s2 + s3)))),
          hn::GetLane(hn::MaxOfLanes(d, hn::Max(m0, m1)))};
}

template <int kDtype>
Mass PassAs(const Row& row, int32_t n, float reference, float scale, bool careful) {
  if (row.uncond == nullptr) {
    return Pass(Elements<kDtype, Guidance::kNone>{row.data, nullptr, 0}, n, reference, scale);
  }
  if (careful || !(row.guidance > 0)) {
    return Pass(Elements<kDtype, Guidance::kFull>{row.data, row.uncond, row.guidance}, n, reference, scale);
  }
  return Pass(Elements<kDtype, Guidance::kPlain>{row.data, row.uncond, row.guidance}, n, reference, scale);
}

Mass MassOf(const Row& row, int32_t n, float reference, float scale, bool careful) {
  switch (row.dtype) {
    case COOLSD_F32:
      return PassAs<COOLSD_F32>(row, n, reference, scale, careful);
    case COOLSD_F16:
      return PassAs<COOLSD_F16>(row, n, reference, scale, careful);
    default:
      return PassAs<COOLSD_BF16>(row, n, reference, scale, careful);
  }
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coolsd::simd {

HWY_EXPORT(MassOf);

Mass mass(const Row& row, int32_t n, float reference, float scale, bool careful) {
  return HWY_DYNAMIC_DISPATCH(MassOf)(row, n, reference, scale, careful);
}

}  // namespace coolsd::simd
#endif
