/* Cut-offs: the values above a bound, the k-th largest of them, and the place of one among equals. */
#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/select.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "common/ordered.h"
#include "simd/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

Sifted Sift(const float* x, int32_t n, float bound, float* out) {
  const D d;
  const V least = hn::Set(d, bound);
  const Elements<COOLSD_F32, false> source{reinterpret_cast<const char*>(x), nullptr, 0};
  V most = hn::Neg(hn::Inf(d));
  M nan = hn::IsNaN(most);
  const int32_t step = lanes();
  int32_t count = 0;
  for (int32_t i = 0; i < n; i += step) {
    const V v = i + step <= n ? source.whole(i) : source.rest(i, n);
    most = hn::Max(most, v);
    nan = hn::Or(nan, hn::IsNaN(v));
    count += append(v, v >= least, out + count);
  }
  return {count, hn::GetLane(hn::MaxOfLanes(d, most)), !hn::AllFalse(d, nan)};
}

/* Values >= pivot, or those below it, in place of x or elsewhere; the last vector is padded with what is left out. */
template <bool kLarge>
int32_t Part(const float* x, int32_t n, float pivot, float* out) {
  const D d;
  const V at = hn::Set(d, pivot);
  const Elements<COOLSD_F32, false> source{reinterpret_cast<const char*>(x), nullptr, 0};
  const int32_t step = lanes();
  int32_t count = 0, i = 0;
  for (; i + step <= n; i += step) {
    const V v = source.whole(i);
    count += append(v, kLarge ? v >= at : v < at, out + count);
  }
  if (i < n) {
    const V v = source.rest(i, n);
    const M inside = hn::FirstN(d, static_cast<size_t>(n - i));
    count += append(v, hn::And(inside, kLarge ? v >= at : v < at), out + count);
  }
  return count;
}

int32_t Count(const float* x, int32_t n, float bound) {
  const D d;
  const V least = hn::Set(d, bound);
  const Elements<COOLSD_F32, false> source{reinterpret_cast<const char*>(x), nullptr, 0};
  const int32_t step = lanes();
  size_t count = 0;
  int32_t i = 0;
  for (; i + step <= n; i += step) count += hn::CountTrue(d, source.whole(i) >= least);
  if (i < n) {
    const M inside = hn::FirstN(d, static_cast<size_t>(n - i));
    count += hn::CountTrue(d, hn::And(inside, source.rest(i, n) >= least));
  }
  return static_cast<int32_t>(count);
}

/*
 * Bisection of the ordered bit patterns: at most 32 counts, of fewer and fewer values while there are many. The largest
 * pattern that k values reach is one of them.
 */
float KthLargest(const float* x, int32_t n, int32_t k, float least, float most, float* spare) {
  constexpr int32_t kFew = 256; /* from here on counting is cheaper than moving */
  uint32_t lo = ordered(least), hi = ordered(most) + 1;
  while (lo + 1 < hi) {
    const uint32_t middle = lo + (hi - lo) / 2;
    const float pivot = from_ordered(middle);
    const int32_t large = Count(x, n, pivot);
    const bool above = large >= k;
    (above ? lo : hi) = middle;
    if (n > kFew) {
      n = above ? Part<true>(x, n, pivot, spare) : Part<false>(x, n, pivot, spare);
      x = spare;
      if (!above) k -= large;
    }
  }
  return from_ordered(lo);
}

int32_t NthEqual(const float* x, int32_t n, float value, int32_t nth) {
  const D d;
  const V same = hn::Set(d, value);
  const int32_t step = lanes();
  int32_t i = 0;
  for (; i + step <= n; i += step) {
    const int32_t here = static_cast<int32_t>(hn::CountTrue(d, hn::LoadU(d, x + i) == same));
    if (here >= nth) break;
    nth -= here;
  }
  for (; i < n; ++i) {
    if (x[i] == value && --nth == 0) return i;
  }
  return n;
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coolsd::simd {

HWY_EXPORT(Sift);
HWY_EXPORT(Count);
HWY_EXPORT(KthLargest);
HWY_EXPORT(NthEqual);

Sifted sift(const float* x, int32_t n, float bound, float* out) { return HWY_DYNAMIC_DISPATCH(Sift)(x, n, bound, out); }

int32_t count(const float* x, int32_t n, float bound) { return HWY_DYNAMIC_DISPATCH(Count)(x, n, bound); }

float kth_largest(const float* x, int32_t n, int32_t k, float least, float most, float* spare) {
  return HWY_DYNAMIC_DISPATCH(KthLargest)(x, n, k, least, most, spare);
}

int32_t nth_equal(const float* x, int32_t n, float value, int32_t nth) {
  return HWY_DYNAMIC_DISPATCH(NthEqual)(x, n, value, nth);
}

}  // namespace coolsd::simd
#endif
