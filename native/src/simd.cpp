#include "simd.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "exp2-inl.h"

HWY_BEFORE_NAMESPACE();
#include "common/rule.h"
HWY_AFTER_NAMESPACE();

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;

struct VectorOps {
  static HWY_INLINE V larger(V a, V b) { return hn::Max(a, b); }
  static HWY_INLINE V smaller(V a, V b) { return hn::Min(a, b); }
};

/* Elements of any type as f32, whole vectors from unaligned memory. */
template <int kDtype>
HWY_INLINE V widen(const char* from) {
  const D d;
  if constexpr (kDtype == COOLSD_F32) {
    return hn::LoadU(d, reinterpret_cast<const float*>(from));
  } else if constexpr (kDtype == COOLSD_F16) {
    const hn::Rebind<hwy::float16_t, D> half;
    return hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(from)));
  } else {
    const hn::Rebind<uint16_t, D> half;
    const hn::RebindToUnsigned<D> wide;
    const auto bits = hn::LoadU(half, reinterpret_cast<const uint16_t*>(from));
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(wide, bits)));
  }
}

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
void LoadAs(const Row& row, int64_t from, int32_t n, float* HWY_RESTRICT out) {
  const D d;
  const int32_t lanes = static_cast<int32_t>(hn::Lanes(d));
  const int64_t size = element_size(kDtype);
  const char* c = row.data + from * size;
  int32_t i = 0;
  if (row.uncond == nullptr) {
    for (; i + lanes <= n; i += lanes) hn::StoreU(widen<kDtype>(c + i * size), d, out + i);
  } else {
    const char* u = row.uncond + from * size;
    const V g = hn::Set(d, row.guidance);
    for (; i + lanes <= n; i += lanes) {
      hn::StoreU(guided(widen<kDtype>(c + i * size), widen<kDtype>(u + i * size), g), d, out + i);
    }
  }
  for (; i < n; ++i) out[i] = row[from + i];
}

void Load(const Row& row, int64_t from, int32_t n, float* out) {
  switch (row.dtype) {
    case COOLSD_F32:
      return LoadAs<COOLSD_F32>(row, from, n, out);
    case COOLSD_F16:
      return LoadAs<COOLSD_F16>(row, from, n, out);
    default:
      return LoadAs<COOLSD_BF16>(row, from, n, out);
  }
}

/* A vector from x + i; lanes from n on hold -inf. Through memory of its own: SSE4's masked load reads whole vectors. */
HWY_INLINE V tail(const float* x, int32_t i, int32_t n) {
  const D d;
  HWY_ALIGN float copy[64];
  static_assert(HWY_MAX_BYTES <= sizeof copy);
  hn::Store(hn::Neg(hn::Inf(d)), d, copy);
  std::memcpy(copy, x + i, sizeof(float) * std::min(hn::Lanes(d), static_cast<size_t>(n - i)));
  return hn::Load(d, copy);
}

Maximum MaximumOf(const float* x, int32_t n) {
  const D d;
  const int32_t lanes = static_cast<int32_t>(hn::Lanes(d));
  V a = hn::Neg(hn::Inf(d)), b = a;
  M nan = hn::IsNaN(a);
  int32_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const V x0 = hn::LoadU(d, x + i), x1 = hn::LoadU(d, x + i + lanes);
    nan = hn::Or(nan, hn::Or(hn::IsNaN(x0), hn::IsNaN(x1)));
    a = hn::Max(a, x0);
    b = hn::Max(b, x1);
  }
  for (; i < n; i += lanes) {
    const V x0 = tail(x, i, n);
    nan = hn::Or(nan, hn::IsNaN(x0));
    a = hn::Max(a, x0);
  }
  return {hn::GetLane(hn::MaxOfLanes(d, hn::Max(a, b))), !hn::AllFalse(d, nan)};
}

template <bool kCut>
HWY_INLINE V exponential(V x, V largest, V scale, V cut_value, int32_t from, int32_t cut_index) {
  const D d;
  const V e = exp2_nonpositive(d, (x - largest) * scale);
  if constexpr (!kCut) return e;
  const hn::RebindToSigned<D> di;
  const auto index = hn::Iota(di, from);
  const M early = hn::RebindMask(d, index < hn::Set(di, cut_index + 1));
  return hn::IfThenElseZero(hn::Or(x > cut_value, hn::And(x == cut_value, early)), e);
}

template <bool kCut, bool kStore>
double ExponentialsAs(const float* x, int32_t n, const Exponential& e, float* out) {
  const D d;
  const int32_t lanes = static_cast<int32_t>(hn::Lanes(d));
  const V largest = hn::Set(d, e.largest), scale = hn::Set(d, e.scale), cut = hn::Set(d, e.cut_value);
  V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  int32_t i = 0;
  const auto at = [&](int32_t k) HWY_ATTR {
    const V y = exponential<kCut>(hn::LoadU(d, x + k), largest, scale, cut, k, e.cut_index);
    if constexpr (kStore) hn::StoreU(y, d, out + k);
    return y;
  };
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = s0 + at(i);
    s1 = s1 + at(i + lanes);
    s2 = s2 + at(i + 2 * lanes);
    s3 = s3 + at(i + 3 * lanes);
  }
  for (; i < n; i += lanes) {
    const V y = exponential<kCut>(tail(x, i, n), largest, scale, cut, i, e.cut_index);
    if constexpr (kStore) hn::BlendedStore(y, hn::FirstN(d, static_cast<size_t>(n - i)), d, out + i);
    s0 = s0 + y;
  }
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, (s0 + s1) + (s2 + s3))));
}

double Exponentials(const float* x, int32_t n, const Exponential& e, float* out) {
  if (e.cut) {
    return out == nullptr ? ExponentialsAs<true, false>(x, n, e, out) : ExponentialsAs<true, true>(x, n, e, out);
  }
  return out == nullptr ? ExponentialsAs<false, false>(x, n, e, out) : ExponentialsAs<false, true>(x, n, e, out);
}

template <bool kCut, bool kDrift, bool kStore>
ResidualSums ResidualAs(const float* px, const Exponential& pe, const float* qx, const Exponential& qe, float ratio,
                        float kept_factor, int32_t n, float* out) {
  const D d;
  const int32_t lanes = static_cast<int32_t>(hn::Lanes(d));
  const V zero = hn::Zero(d), kept = hn::Set(d, kept_factor), scale_q = hn::Set(d, ratio);
  const V pl = hn::Set(d, pe.largest), ps = hn::Set(d, pe.scale), pc = hn::Set(d, pe.cut_value);
  const V ql = hn::Set(d, qe.largest), qs = hn::Set(d, qe.scale), qc = hn::Set(d, qe.cut_value);
  V r0 = zero, r1 = zero, d0 = zero, most = hn::Neg(hn::Inf(d));
  M nan = hn::IsNaN(zero);
  const auto step = [&](V x, V y, int32_t i, V& sum) HWY_ATTR {
    most = hn::Max(most, y);
    nan = hn::Or(nan, hn::IsNaN(y));
    const V p = exponential<kCut>(x, pl, ps, pc, i, pe.cut_index);
    const V q = exponential<kCut>(y, ql, qs, qc, i, qe.cut_index) * scale_q;
    const V r = residual<VectorOps>(p, q, kept, zero);
    sum = sum + r;
    if constexpr (kDrift) d0 = d0 + drift<VectorOps>(p, q, kept, zero);
    return r;
  };
  int32_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const V y0 = hn::LoadU(d, qx + i), y1 = hn::LoadU(d, qx + i + lanes);
    const V a = step(hn::LoadU(d, px + i), y0, i, r0);
    const V b = step(hn::LoadU(d, px + i + lanes), y1, i + lanes, r1);
    if constexpr (kStore) {
      hn::StoreU(a, d, out + i);
      hn::StoreU(b, d, out + i + lanes);
    }
  }
  for (; i < n; i += lanes) {
    const V y = tail(qx, i, n);
    const V a = step(tail(px, i, n), y, i, r0);
    if constexpr (kStore) hn::BlendedStore(a, hn::FirstN(d, static_cast<size_t>(n - i)), d, out + i);
  }
  return {static_cast<double>(hn::GetLane(hn::SumOfLanes(d, r0 + r1))),
          static_cast<double>(hn::GetLane(hn::SumOfLanes(d, d0))), hn::GetLane(hn::MaxOfLanes(d, most)),
          !hn::AllFalse(d, nan)};
}

ResidualSums Residual(const float* px, const Exponential& pe, const float* qx, const Exponential& qe, float ratio,
                      float kept, int32_t n, bool with_drift, float* out) {
  const int which = (pe.cut || qe.cut ? 4 : 0) + (with_drift ? 2 : 0) + (out != nullptr ? 1 : 0);
  switch (which) {
    case 0:
      return ResidualAs<false, false, false>(px, pe, qx, qe, ratio, kept, n, out);
    case 1:
      return ResidualAs<false, false, true>(px, pe, qx, qe, ratio, kept, n, out);
    case 2:
      return ResidualAs<false, true, false>(px, pe, qx, qe, ratio, kept, n, out);
    case 3:
      return ResidualAs<false, true, true>(px, pe, qx, qe, ratio, kept, n, out);
    case 4:
      return ResidualAs<true, false, false>(px, pe, qx, qe, ratio, kept, n, out);
    case 5:
      return ResidualAs<true, false, true>(px, pe, qx, qe, ratio, kept, n, out);
    case 6:
      return ResidualAs<true, true, false>(px, pe, qx, qe, ratio, kept, n, out);
    default:
      return ResidualAs<true, true, true>(px, pe, qx, qe, ratio, kept, n, out);
  }
}

int32_t Compress(const float* x, int32_t n, float bound, float* out) {
  const D d;
  const int32_t lanes = static_cast<int32_t>(hn::Lanes(d));
  const V least = hn::Set(d, bound);
  int32_t count = 0;
  int32_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V v = hn::LoadU(d, x + i);
    count += static_cast<int32_t>(hn::CompressBlendedStore(v, v >= least, d, out + count));
  }
  for (; i < n; ++i) {
    if (x[i] >= bound) out[count++] = x[i];
  }
  return count;
}

const char* Name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cstdlib>
#include <cstring>

namespace coolsd::simd {

HWY_EXPORT(Load);
HWY_EXPORT(MaximumOf);
HWY_EXPORT(Exponentials);
HWY_EXPORT(Residual);
HWY_EXPORT(Compress);
HWY_EXPORT(Name);

namespace {
/* COOLSD_SIMD=SSE4, AVX2, ... keeps to instruction sets no better than the one named; anything else is ignored. */
const bool capped = [] {
  const char* name = std::getenv("COOLSD_SIMD");
  int64_t better = 0;
  for (int64_t all = HWY_TARGETS; name != nullptr && all != 0; all &= all - 1) {
    const int64_t one = all & -all; /* better sets have lower bits */
    if (std::strcmp(hwy::TargetName(static_cast<uint32_t>(one)), name) == 0) {
      hwy::DisableTargets(static_cast<uint32_t>(better));
      return true;
    }
    better |= one;
  }
  return false;
}();
}  // namespace

const char* target() { return HWY_DYNAMIC_DISPATCH(Name)(); }

void load(const Row& row, int64_t from, int32_t n, float* out) { HWY_DYNAMIC_DISPATCH(Load)(row, from, n, out); }

Maximum maximum(const float* x, int32_t n) { return HWY_DYNAMIC_DISPATCH(MaximumOf)(x, n); }

double exponentials(const float* x, int32_t n, const Exponential& e, float* out) {
  return HWY_DYNAMIC_DISPATCH(Exponentials)(x, n, e, out);
}

ResidualSums residual(const float* target_x, const Exponential& target_e, const float* draft_x,
                      const Exponential& draft_e, float ratio, float kept, int32_t n, bool drift, float* out) {
  return HWY_DYNAMIC_DISPATCH(Residual)(target_x, target_e, draft_x, draft_e, ratio, kept, n, drift, out);
}

int32_t compress(const float* x, int32_t n, float bound, float* out) {
  return HWY_DYNAMIC_DISPATCH(Compress)(x, n, bound, out);
}

}  // namespace coolsd::simd
#endif
