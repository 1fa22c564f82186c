/* Logits as f32 vectors, straight from rows of any element type, with or without guidance; and vectors packed. */
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

/* The larger and the smaller of two, and the second where one is NaN: what x86 has one instruction for. */
HWY_INLINE V larger_or_second(V a, V b) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  return hn::Max(a, b);
#else
  return hn::IfThenElse(a > b, a, b);
#endif
}
HWY_INLINE V smaller_or_second(V a, V b) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  return hn::Min(a, b);
#else
  return hn::IfThenElse(a < b, a, b);
#endif
}

#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX2
/* Before F16C: PromoteTo() of Highway 1.0 takes infinities and NaN for large numbers there. */
HWY_INLINE V from_half(const uint16_t* from) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> half;
  const auto bits = hn::PromoteTo(du, hn::LoadU(half, from));
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7FFFu));
  const auto sign = hn::ShiftLeft<16>(hn::Xor(bits, magnitude));
  const V scaled = hn::BitCast(d, hn::ShiftLeft<13>(magnitude)) * hn::Set(d, 0x1p112f);
  const auto special = hn::VecFromMask(du, magnitude > hn::Set(du, 0x7BFFu));
  const auto exponent = hn::And(special, hn::Set(du, 0x7F800000u));
  return hn::BitCast(d, hn::Or(hn::Or(hn::BitCast(du, scaled), exponent), sign));
}
#else
HWY_INLINE V from_half(const uint16_t* from) {
  const hn::Rebind<hwy::float16_t, D> half;
  return hn::PromoteTo(D(), hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(from)));
}
#endif

/* One vector of elements of any type, from unaligned memory. */
template <int kDtype>
HWY_INLINE V widen(const char* from) {
  const D d;
  if constexpr (kDtype == COOLSD_F32) {
    return hn::LoadU(d, reinterpret_cast<const float*>(from));
  } else if constexpr (kDtype == COOLSD_F16) {
    return from_half(reinterpret_cast<const uint16_t*>(from));
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

/* What guide() makes of finite logits, and of -inf in one half at most NaN or -inf, if guidance is positive. */
HWY_INLINE V guided_finite(V c, V u, V guidance) { return u + guidance * (c - u); }

/* Two vectors of the elements at from, in an order that is the same for every row of a type. */
template <int kDtype>
HWY_INLINE void widen_two(const char* from, V& a, V& b) {
  const D d;
  if constexpr (kDtype == COOLSD_BF16) {
    /* Even tokens and odd ones: one operation each, where widening takes two. */
    const hn::RebindToUnsigned<D> du;
    const auto both = hn::LoadU(du, reinterpret_cast<const uint32_t*>(from));
    a = hn::BitCast(d, hn::ShiftLeft<16>(both));
    b = hn::BitCast(d, hn::And(both, hn::Set(du, 0xFFFF0000u)));
  } else {
    a = widen<kDtype>(from);
    b = widen<kDtype>(from + (kDtype == COOLSD_F32 ? 4 : 2) * lanes());
  }
}

/* The logits of a row from its memory; kGuided as guided_finite() makes them. */
template <int kDtype, bool kGuided>
struct Elements {
  /* Tokens i, i + 1, ... */
  HWY_INLINE V whole(int32_t i) const {
    const V x = widen<kDtype>(at(c, i));
    if constexpr (!kGuided) return x;
    return guided_finite(x, widen<kDtype>(at(u, i)), hn::Set(D(), guidance));
  }

  /* The last of n tokens, from i on, and -inf behind them. */
  HWY_INLINE V rest(int32_t i, int32_t n) const {
    const int32_t left = HWY_MIN(n - i, lanes());
    const V x = widen_rest<kDtype>(at(c, i), left);
    if constexpr (!kGuided) return x;
    const V value = guided_finite(x, widen_rest<kDtype>(at(u, i), left), hn::Set(D(), guidance));
    return hn::IfThenElse(hn::FirstN(D(), static_cast<size_t>(left)), value, x);
  }

  /* The tokens of two vectors from i on, in an order of their own. */
  HWY_INLINE void two(int32_t i, V& a, V& b) const {
    widen_two<kDtype>(at(c, i), a, b);
    if constexpr (kGuided) {
      V a_low, b_low;
      widen_two<kDtype>(at(u, i), a_low, b_low);
      a = guided_finite(a, a_low, hn::Set(D(), guidance));
      b = guided_finite(b, b_low, hn::Set(D(), guidance));
    }
  }

  const char* c;
  const char* u;
  float guidance;

 private:
  static const char* at(const char* from, int32_t i) { return from + (kDtype == COOLSD_F32 ? 4 : 2) * int64_t{i}; }
};

/*
 * Appends the lanes of a mask, and returns how many. Compressed in a register and stored whole: a compressing store is
 * microcode on AMD, and what is written too much is overwritten by the next. Where there is no such instruction a table
 * says which lanes go where; Compress() of Highway 1.0 copies its tables to the stack in every call.
 */
#if HWY_TARGET == HWY_AVX2

/* For every mask of 8 lanes the chosen ones first, four bits each. */
struct ChosenLanes {
  constexpr ChosenLanes() : packed() {
    for (uint32_t mask = 0; mask < 256; ++mask) {
      uint32_t to = 0;
      for (uint32_t lane = 0; lane < 8; ++lane) {
        if (mask >> lane & 1) packed[mask] |= lane << (4 * to++);
      }
    }
  }
  uint32_t packed[256];
};
HWY_ALIGN static constexpr ChosenLanes kChosenLanes;
HWY_ALIGN static constexpr int32_t kFourBits[8] = {0, 4, 8, 12, 16, 20, 24, 28};

HWY_INLINE int32_t append(V v, M which, float* out) {
  const uint32_t mask = static_cast<uint32_t>(_mm256_movemask_ps(which.raw));
  const __m256i packed = _mm256_set1_epi32(static_cast<int32_t>(kChosenLanes.packed[mask]));
  const __m256i shifts = _mm256_load_si256(reinterpret_cast<const __m256i*>(kFourBits));
  _mm256_storeu_ps(out, _mm256_permutevar8x32_ps(v.raw, _mm256_srlv_epi32(packed, shifts)));
  return static_cast<int32_t>(hwy::PopCount(mask));
}

#elif HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3

/* For every mask of 4 lanes the bytes of the chosen ones first. */
struct ChosenBytes {
  constexpr ChosenBytes() : of() {
    for (int mask = 0; mask < 16; ++mask) {
      int to = 0;
      for (int lane = 0; lane < 4; ++lane) {
        if (!(mask >> lane & 1)) continue;
        for (int byte = 0; byte < 4; ++byte) of[mask][to++] = static_cast<uint8_t>(4 * lane + byte);
      }
    }
  }
  uint8_t of[16][16];
};
HWY_ALIGN static constexpr ChosenBytes kChosenBytes;

HWY_INLINE int32_t append(V v, M which, float* out) {
  const int mask = _mm_movemask_ps(which.raw);
  const __m128i bytes = _mm_load_si128(reinterpret_cast<const __m128i*>(kChosenBytes.of[mask]));
  _mm_storeu_ps(out, _mm_castsi128_ps(_mm_shuffle_epi8(_mm_castps_si128(v.raw), bytes)));
  return static_cast<int32_t>(hwy::PopCount(static_cast<uint64_t>(mask)));
}

#else

HWY_INLINE int32_t append(V v, M which, float* out) {
  hn::StoreU(hn::Compress(v, which), D(), out);
  return static_cast<int32_t>(hn::CountTrue(D(), which));
}

#endif

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
