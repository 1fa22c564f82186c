/* One block in the first-level cache: its values as f32, the largest, their exponentials. */
#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/block.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "simd/kept-inl.h"
#include "simd/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

/* guide() of common/guide.h. */
HWY_INLINE V guided(V c, V u, V guidance) {
  const D d;
  const V inf = hn::Inf(d);
  const V lowest = hn::Neg(inf);
  const V value = u + guidance * (c - u);
  const M masked = hn::Or(hn::And(c == lowest, hn::Not(hn::IsNaN(u))), hn::And(u == lowest, hn::Not(hn::IsNaN(c))));
  const M infinite = hn::Or(c == inf, u == inf);
  return hn::IfThenElse(masked, hn::IfThenElse(infinite, inf, lowest), value);
}

template <int kDtype>
void LoadAs(const Row& row, int32_t n, float* out) {
  const D d;
  const V guidance = hn::Set(d, row.guidance);
  const Elements<kDtype, false> c{row.data, nullptr, 0}, u{row.uncond, nullptr, 0};
  const int32_t step = lanes();
  int32_t i = 0;
  if (row.uncond == nullptr) {
    for (; i + step <= n; i += step) hn::StoreU(c.whole(i), d, out + i);
  } else {
    for (; i + step <= n; i += step) hn::StoreU(guided(c.whole(i), u.whole(i), guidance), d, out + i);
  }
  if (i < n) {
    const V x = c.rest(i, n);
    const V value = row.uncond == nullptr ? x : guided(x, u.rest(i, n), guidance);
    hn::BlendedStore(value, hn::FirstN(d, static_cast<size_t>(n - i)), d, out + i);
  }
}

void Load(const Row& row, int32_t n, float* out) {
  switch (row.dtype) {
    case COOLSD_F32:
      return LoadAs<COOLSD_F32>(row, n, out);
    case COOLSD_F16:
      return LoadAs<COOLSD_F16>(row, n, out);
    default:
      return LoadAs<COOLSD_BF16>(row, n, out);
  }
}

Maximum MaximumOf(const float* from, int32_t n) {
  const D d;
  const Elements<COOLSD_F32, false> x{reinterpret_cast<const char*>(from), nullptr, 0};
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
  return {hn::GetLane(hn::MaxOfLanes(d, hn::Max(a, b))), !hn::AllFalse(d, nan)};
}

template <bool kCut>
double ExponentialsAs(const float* x, int32_t n, const Exponential& e, float* out) {
  const D d;
  const Elements<COOLSD_F32, false> source{reinterpret_cast<const char*>(x), nullptr, 0};
  const auto power = [](V t, V scale) HWY_ATTR { return exp2(D(), t * scale); };
  const Bounds bounds(e);
  V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  const auto at = [&](int32_t k) HWY_ATTR {
    const V y = exponential<kCut>(source.whole(k), e, bounds, k, power);
    hn::StoreU(y, d, out + k);
    return y;
  };
  const int32_t step = lanes();
  int32_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    s0 = s0 + at(i);
    s1 = s1 + at(i + step);
    s2 = s2 + at(i + 2 * step);
    s3 = s3 + at(i + 3 * step);
  }
  for (; i + step <= n; i += step) s0 = s0 + at(i);
  if (i < n) {
    const V y = exponential<kCut>(source.rest(i, n), e, bounds, i, power);
    hn::BlendedStore(y, hn::FirstN(d, static_cast<size_t>(n - i)), d, out + i);
    s1 = s1 + y;
  }
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, (s0 + s1) + (s2 + s3))));
}

double Exponentials(const float* x, int32_t n, const Exponential& e, float* out) {
  return e.cut ? ExponentialsAs<true>(x, n, e, out) : ExponentialsAs<false>(x, n, e, out);
}

double Entropies(const float* x, const float* y, int32_t n, const Exponential& e) {
  const D d;
  const V reference = hn::Set(d, e.reference), scale = hn::Set(d, e.scale);
  const Elements<COOLSD_F32, false> values{reinterpret_cast<const char*>(x), nullptr, 0};
  const Elements<COOLSD_F32, false> powers{reinterpret_cast<const char*>(y), nullptr, 0};
  V sum = hn::Zero(d);
  const int32_t step = lanes();
  for (int32_t i = 0; i < n; i += step) {
    const bool whole = i + step <= n;
    const V value = whole ? values.whole(i) : values.rest(i, n);
    const V power = whole ? powers.whole(i) : powers.rest(i, n);
    sum = sum + hn::IfThenElseZero(power > hn::Zero(d), power * ((reference - value) * scale));
  }
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
}

double SumInDouble(const float* x, int32_t n) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, hn::ScalableTag<double>> df;
  const int32_t step = static_cast<int32_t>(hn::Lanes(dd));
  auto s0 = hn::Zero(dd), s1 = s0;
  int32_t i = 0;
  for (; i + 2 * step <= n; i += 2 * step) {
    s0 = s0 + hn::PromoteTo(dd, hn::LoadU(df, x + i));
    s1 = s1 + hn::PromoteTo(dd, hn::LoadU(df, x + i + step));
  }
  double sum = hn::GetLane(hn::SumOfLanes(dd, s0 + s1));
  for (; i < n; ++i) sum += static_cast<double>(x[i]);
  return sum;
}

int32_t Search(const float* weights, int32_t n, double before, double wanted) {
  constexpr int32_t kChunk = 128;
  int32_t last = -1;       /* start of the last chunk with a weight, */
  double reached = before; /* and the sum of everything before it */
  for (int32_t from = 0; from < n; from += kChunk) {
    const double sum = SumInDouble(weights + from, HWY_MIN(n - from, kChunk));
    if (!(sum > 0)) continue;
    last = from;
    reached = before;
    before += sum;
    if (before > wanted) break;
  }
  if (last < 0) return -1;
  int32_t token = -1;
  for (int32_t i = last; i < HWY_MIN(n, last + kChunk); ++i) {
    if (!(weights[i] > 0)) continue;
    token = i;
    reached += static_cast<double>(weights[i]);
    if (reached > wanted) break;
  }
  return token;
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coolsd::simd {

HWY_EXPORT(Load);
HWY_EXPORT(MaximumOf);
HWY_EXPORT(Exponentials);
HWY_EXPORT(Entropies);
HWY_EXPORT(Search);

void load(const Row& row, int32_t n, float* out) { HWY_DYNAMIC_DISPATCH(Load)(row, n, out); }

Maximum maximum(const float* x, int32_t n) { return HWY_DYNAMIC_DISPATCH(MaximumOf)(x, n); }

double exponentials(const float* x, int32_t n, const Exponential& e, float* out) {
  return HWY_DYNAMIC_DISPATCH(Exponentials)(x, n, e, out);
}

double entropies(const float* x, const float* y, int32_t n, const Exponential& e) {
  return HWY_DYNAMIC_DISPATCH(Entropies)(x, y, n, e);
}

int32_t search(const float* weights, int32_t n, double before, double wanted) {
  return HWY_DYNAMIC_DISPATCH(Search)(weights, n, before, wanted);
}

}  // namespace coolsd::simd
#endif
