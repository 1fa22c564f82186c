/* Logits as f32 vectors, straight from rows of any element type, with or without guidance. */
#if defined(COOLSD_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COOLSD_ROW_INL_H
#undef COOLSD_ROW_INL_H
#else
#define COOLSD_ROW_INL_H
#endif

#include <hwy/highway.h>

#include <cstring>

#include "row.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;

HWY_INLINE int32_t lanes() { return static_cast<int32_t>(hn::Lanes(D())); }

/* One vector of elements of any type, from unaligned memory. */
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

/* The n elements left of a row, and -inf behind them; nothing beyond the row is read. */
template <int kDtype>
HWY_INLINE V widen_rest(const char* from, int32_t n) {
  constexpr size_t kSize = kDtype == COOLSD_F32 ? 4 : 2;
  HWY_ALIGN char copy[HWY_MAX_BYTES];
  if constexpr (kDtype == COOLSD_F32) {
    const D d;
    hn::Store(hn::Neg(hn::Inf(d)), d, reinterpret_cast<float*>(copy));
  } else {
    const hn::ScalableTag<uint16_t> d;
    hn::Store(hn::Set(d, kDtype == COOLSD_F16 ? 0xFC00 : 0xFF80), d, reinterpret_cast<uint16_t*>(copy));
  }
  std::memcpy(copy, from, kSize * static_cast<size_t>(n));
  return widen<kDtype>(copy);
}

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

/*
 * How a row is read. Plain guidance leaves out what guide() does with infinite halves: for guidance > 0 its value is
 * guide()'s, or NaN.
 */
enum class Guidance { kNone, kPlain, kFull };

template <int kDtype, Guidance kGuidance>
struct Elements {
  /* The vector of tokens i, i + 1, ... */
  HWY_INLINE V whole(int32_t i) const { return both(widen<kDtype>(at(c, i)), [&] { return widen<kDtype>(at(u, i)); }); }

  /* The same of the last tokens of n, with -inf behind them. */
  HWY_INLINE V rest(int32_t i, int32_t n) const {
    const int32_t left = HWY_MIN(n - i, lanes());
    return both(widen_rest<kDtype>(at(c, i), left), [&] { return widen_rest<kDtype>(at(u, i), left); });
  }

  const char* c;
  const char* u;
  float guidance;

 private:
  static const char* at(const char* from, int32_t i) { return from + (kDtype == COOLSD_F32 ? 4 : 2) * int64_t{i}; }

  template <class Unconditional>
  HWY_INLINE V both(V conditional, Unconditional unconditional) const {
    const D d;
    if constexpr (kGuidance == Guidance::kNone) {
      return conditional;
    } else if constexpr (kGuidance == Guidance::kPlain) {
      const V low = unconditional();
      return low + hn::Set(d, guidance) * (conditional - low);
    } else {
      return guided(conditional, unconditional(), hn::Set(d, guidance));
    }
  }
};

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
