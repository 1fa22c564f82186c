/* One block in the first-level cache: its values as f32, their exponentials, and those above a bound. */
#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/block.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "simd/kept-inl.h"
#include "simd/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

/* Calls body with the elements of a row, every infinity treated as guide() does. */
template <int kDtype, class Body>
HWY_INLINE auto with_elements(const Row& row, Body body) {
  if (row.uncond == nullptr) return body(Elements<kDtype, Guidance::kNone>{row.data, nullptr, 0});
  return body(Elements<kDtype, Guidance::kFull>{row.data, row.uncond, row.guidance});
}

template <class Body>
HWY_INLINE auto with_elements(const Row& row, Body body) {
  switch (row.dtype) {
    case COOLSD_F32:
      return with_elements<COOLSD_F32>(row, body);
    case COOLSD_F16:
      return with_elements<COOLSD_F16>(row, body);
    default:
      return with_elements<COOLSD_BF16>(row, body);
  }
}

void Load(const Row& row, int32_t n, float* out) {
  const D d;
  with_elements(row, [&](const auto x) HWY_ATTR {
    const int32_t step = lanes();
    int32_t i = 0;
    for (; i + step <= n; i += step) hn::StoreU(x.whole(i), d, out + i);
    if (i < n) hn::BlendedStore(x.rest(i, n), hn::FirstN(d, static_cast<size_t>(n - i)), d, out + i);
  });
}

Maximum MaximumOf(const Row& row, int32_t n) {
  const D d;
  return with_elements(row, [&](const auto x) HWY_ATTR {
    V a = hn::Neg(hn::Inf(d)), b = a;
    M nan = hn::IsNaN(a);
    const int32_t step = lanes();
    int32_t i = 0;
    for (; i + 2 * step <= n; i += 2 * step) {
      const V x0 = x.whole(i), x1 = x.whole(i + step);
      nan = hn::Or(nan, hn::Or(hn::IsNaN(x0), hn::IsNaN(x1)));
      a = hn::Max(a, x0);
      b = hn::Max(b, x1);
    }
    for (; i < n; i += step) {
      const V x0 = i + step <= n ? x.whole(i) : x.rest(i, n);
      nan = hn::Or(nan, hn::IsNaN(x0));
      a = hn::Max(a, x0);
    }
    return Maximum{hn::GetLane(hn::MaxOfLanes(d, hn::Max(a, b))), !hn::AllFalse(d, nan)};
  });
}

template <bool kCut>
double ExponentialsAs(const float* x, int32_t n, const Exponential& e, float* out) {
  const D d;
  const Elements<COOLSD_F32, Guidance::kNone> source{reinterpret_cast<const char*>(x), nullptr, 0};
  V s0 = hn::Zero(d), s1 = s0;
  const auto at = [&](int32_t k) HWY_ATTR {
    const V y = exponential<kCut>(source.whole(k), e, k);
    hn::StoreU(y, d, out + k);
    return y;
  };
  const int32_t step = lanes();
  int32_t i = 0;
  for (; i + 2 * step <= n; i += 2 * step) {
    s0 = s0 + at(i);
    s1 = s1 + at(i + step);
  }
  if (i + step <= n) {
    s0 = s0 + at(i);
    i += step;
  }
  if (i < n) {
    const V y = exponential<kCut>(source.rest(i, n), e, i);
    hn::BlendedStore(y, hn::FirstN(d, static_cast<size_t>(n - i)), d, out + i);
    s1 = s1 + y;
  }
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, s0 + s1)));
}

double Exponentials(const float* x, int32_t n, const Exponential& e, float* out) {
  return e.cut ? ExponentialsAs<true>(x, n, e, out) : ExponentialsAs<false>(x, n, e, out);
}

int32_t Compress(const float* x, int32_t n, float bound, float* out) {
  const D d;
  const int32_t step = lanes();
  const V least = hn::Set(d, bound);
  int32_t count = 0;
  int32_t i = 0;
  for (; i + step <= n; i += step) {
    /* Compressed in a register: to memory it is microcode on AMD. What is stored too much is overwritten. */
    const V v = hn::LoadU(d, x + i);
    const M large = v >= least;
    hn::StoreU(hn::Compress(v, large), d, out + count);
    count += static_cast<int32_t>(hn::CountTrue(d, large));
  }
  for (; i < n; ++i) {
    if (x[i] >= bound) out[count++] = x[i];
  }
  return count;
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coolsd::simd {

HWY_EXPORT(Load);
HWY_EXPORT(MaximumOf);
HWY_EXPORT(Exponentials);
HWY_EXPORT(Compress);

void load(const Row& row, int32_t n, float* out) { HWY_DYNAMIC_DISPATCH(Load)(row, n, out); }

Maximum maximum(const Row& row, int32_t n) { return HWY_DYNAMIC_DISPATCH(MaximumOf)(row, n); }

double exponentials(const float* x, int32_t n, const Exponential& e, float* out) {
  return HWY_DYNAMIC_DISPATCH(Exponentials)(x, n, e, out);
}

int32_t compress(const float* x, int32_t n, float bound, float* out) {
  return HWY_DYNAMIC_DISPATCH(Compress)(x, n, bound, out);
}

}  // namespace coolsd::simd
#endif
