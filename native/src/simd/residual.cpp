/* The residual and the drift of two rows: both exponentials and the rule in one pass. */
#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/residual.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "simd/kept-inl.h"
#include "simd/row-inl.h"

HWY_BEFORE_NAMESPACE();
#include "common/rule.h"
namespace coolsd::simd::HWY_NAMESPACE {

struct VectorOps {
  static HWY_INLINE V larger(V a, V b) { return hn::Max(a, b); }
  static HWY_INLINE V smaller(V a, V b) { return hn::Min(a, b); }
};

template <bool kCut, bool kDrift, bool kStore, class Source>
ResidualSums Pass(const Source p, const Source q, const ResidualTerms& terms, int32_t n, float* out) {
  const D d;
  const V zero = hn::Zero(d), kept = hn::Set(d, terms.kept), ratio = hn::Set(d, terms.ratio);
  const V bound = hn::Set(d, terms.draft_largest);
  V r0 = zero, r1 = zero, d0 = zero, d1 = zero;
  M fits = zero == zero;
  const auto one = [&](V x, V y, int32_t i, V& sum, V& drift_sum) HWY_ATTR {
    fits = hn::And(fits, y <= bound);
    const V a = exponential<kCut>(x, terms.target, i);
    const V b = exponential<kCut>(y, terms.draft, i) * ratio;
    const V r = residual<VectorOps>(a, b, kept, zero);
    sum = sum + r;
    if constexpr (kDrift) drift_sum = drift_sum + drift<VectorOps>(a, b, kept, zero);
    return r;
  };
  const int32_t step = lanes();
  int32_t i = 0;
  for (; i + 2 * step <= n; i += 2 * step) {
    const V a = one(p.whole(i), q.whole(i), i, r0, d0);
    const V b = one(p.whole(i + step), q.whole(i + step), i + step, r1, d1);
    if constexpr (kStore) {
      hn::StoreU(a, d, out + i);
      hn::StoreU(b, d, out + i + step);
    }
  }
  for (; i < n; i += step) {
    const bool whole = i + step <= n;
    const V a = one(whole ? p.whole(i) : p.rest(i, n), whole ? q.whole(i) : q.rest(i, n), i, r0, d0);
    if constexpr (kStore) hn::BlendedStore(a, hn::FirstN(d, static_cast<size_t>(n - i)), d, out + i);
  }
  return {static_cast<double>(hn::GetLane(hn::SumOfLanes(d, r0 + r1))),
          static_cast<double>(hn::GetLane(hn::SumOfLanes(d, d0 + d1))), hn::AllTrue(d, fits)};
}

template <int kDtype>
ResidualSums PassAs(const Row& p, const Row& q, const ResidualTerms& terms, int32_t n, bool with_drift) {
  using Source = Elements<kDtype, Guidance::kNone>;
  const Source x{p.data, nullptr, 0}, y{q.data, nullptr, 0};
  if (terms.target.cut || terms.draft.cut) {
    return with_drift ? Pass<true, true, false>(x, y, terms, n, nullptr)
                      : Pass<true, false, false>(x, y, terms, n, nullptr);
  }
  return with_drift ? Pass<false, true, false>(x, y, terms, n, nullptr)
                    : Pass<false, false, false>(x, y, terms, n, nullptr);
}

ResidualSums SumsOf(const Row& p, const Row& q, const ResidualTerms& terms, int32_t n, bool with_drift) {
  switch (p.dtype) {
    case COOLSD_F32:
      return PassAs<COOLSD_F32>(p, q, terms, n, with_drift);
    case COOLSD_F16:
      return PassAs<COOLSD_F16>(p, q, terms, n, with_drift);
    default:
      return PassAs<COOLSD_BF16>(p, q, terms, n, with_drift);
  }
}

void Write(const float* p, const float* q, const ResidualTerms& terms, int32_t n, float* out) {
  using Source = Elements<COOLSD_F32, Guidance::kNone>;
  const Source x{reinterpret_cast<const char*>(p), nullptr, 0}, y{reinterpret_cast<const char*>(q), nullptr, 0};
  if (terms.target.cut || terms.draft.cut) {
    Pass<true, false, true>(x, y, terms, n, out);
  } else {
    Pass<false, false, true>(x, y, terms, n, out);
  }
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coolsd::simd {

HWY_EXPORT(SumsOf);
HWY_EXPORT(Write);

bool readable_together(const Row& target, const Row& draft) {
  return target.uncond == nullptr && draft.uncond == nullptr && target.dtype == draft.dtype;
}

ResidualSums residual_sums(const Row& target, const Row& draft, const ResidualTerms& terms, int32_t n, bool drift) {
  return HWY_DYNAMIC_DISPATCH(SumsOf)(target, draft, terms, n, drift);
}

void residuals(const float* target, const float* draft, const ResidualTerms& terms, int32_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(Write)(target, draft, terms, n, out);
}

}  // namespace coolsd::simd
#endif
