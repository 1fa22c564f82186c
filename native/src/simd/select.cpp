/* Cut-offs: the values above a bound, the k-th largest of them, and the place of one among equals. */
#include <cmath>

#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/select.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "common/ordered.h"
#include "simd/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

template <int kDtype>
int32_t SiftAs(const Row& row, int32_t n, float bound, float* out) {
  const D d;
  const V least = hn::Set(d, bound);
  const Elements<kDtype, false> source{row.data, nullptr, 0};
  const int32_t step = lanes();
  int32_t count = 0, i = 0;
  for (; i + step <= n; i += step) {
    const V v = source.whole(i);
    count += append(v, hn::Not(v < least), out + count);
  }
  if (i < n) {
    const V v = source.rest(i, n);
    const M inside = hn::FirstN(d, static_cast<size_t>(n - i));
    count += append(v, hn::And(inside, hn::Not(v < least)), out + count);
  }
  return count;
}

int32_t Sift(const Row& row, int32_t n, float bound, float* out) {
  switch (row.dtype) {
    case COOLSD_F32:
      return SiftAs<COOLSD_F32>(row, n, bound, out);
    case COOLSD_F16:
      return SiftAs<COOLSD_F16>(row, n, bound, out);
    default:
      return SiftAs<COOLSD_BF16>(row, n, bound, out);
  }
}

/* The number of values that reach a bound. */
int32_t Count(const float* x, int32_t n, float bound) {
  const D d;
  const V least = hn::Set(d, bound);
  const Elements<COOLSD_F32, false> source{reinterpret_cast<const char*>(x), nullptr, 0};
  const auto at = [&](int32_t k) HWY_ATTR { return hn::CountTrue(d, source.whole(k) >= least); };
  const int32_t step = lanes();
  size_t a = 0, b = 0, c = 0, e = 0;
  int32_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    a += at(i);
    b += at(i + step);
    c += at(i + 2 * step);
    e += at(i + 3 * step);
  }
  for (; i + step <= n; i += step) a += at(i);
  if (i < n) {
    const M inside = hn::FirstN(d, static_cast<size_t>(n - i));
    b += hn::CountTrue(d, hn::And(inside, source.rest(i, n) >= least));
  }
  return static_cast<int32_t>((a + b) + (c + e));
}

/* Copies the values that reach one bound and not the other, and says what they lie between. */
struct Range {
  int32_t count;
  float least, most;
};
Range Between(const float* x, int32_t n, float bound, float limit, float* out) {
  const D d;
  const V from = hn::Set(d, bound), to = hn::Set(d, limit);
  const Elements<COOLSD_F32, false> source{reinterpret_cast<const char*>(x), nullptr, 0};
  V least = hn::Inf(d), most = hn::Neg(least);
  int32_t count = 0;
  const auto take = [&](V v, M here) HWY_ATTR {
    least = hn::Min(least, hn::IfThenElse(here, v, least));
    most = hn::Max(most, hn::IfThenElse(here, v, most));
    count += append(v, here, out + count);
  };
  const int32_t step = lanes();
  int32_t i = 0;
  for (; i + step <= n; i += step) {
    const V v = source.whole(i);
    take(v, hn::And(v >= from, v < to));
  }
  if (i < n) {
    const V v = source.rest(i, n);
    take(v, hn::And(hn::FirstN(d, static_cast<size_t>(n - i)), hn::And(v >= from, v < to)));
  }
  return {count, hn::GetLane(hn::MinOfLanes(d, least)), hn::GetLane(hn::MaxOfLanes(d, most))};
}

/* A value and how many reach it. */
struct Counted {
  float value;
  int32_t reach;
};

/* Where about so many values would be reached, if their number fell exponentially through two that were counted. */
float Guess(Counted a, Counted b, float wanted) {
  const float at = std::log2(static_cast<float>(a.reach) + 0.5f), other = std::log2(static_cast<float>(b.reach) + 0.5f);
  return a.value + (b.value - a.value) * (std::log2(wanted + 0.5f) - at) / (other - at);
}

/*
 * Counts at pivots until few values are left between one that k values reach and one that fewer do; then bisection of
 * the ordered bit patterns among those. Wherever the pivots are, the answer is the same.
 */
KthValue KthLargest(const float* x, int32_t n, int32_t k, float least, float most, float* spare) {
  constexpr int32_t kFew = 64;     /* values that bisection is left with, unless many are equal */
  constexpr int32_t kGuesses = 10; /* 3 or 4 do for what logits look like */
  constexpr int32_t kAside = kFew / 4;
  uint32_t lo = ordered(least), hi = ordered(most) + 1;
  int32_t reach = n, above = 0; /* values that reach lo, and hi */
  Counted near = {least, n}, far = {most, 1};
  for (int32_t turn = 0; turn < kGuesses && hi - lo > 1 && reach - above > kFew; ++turn) {
    /* Close to k on one side: the next is meant to be on the other. */
    const int32_t off = near.reach - k;
    const int32_t aim = off > 2 * kAside || off < -2 * kAside ? k : off >= 0 ? k - kAside : k + kAside;
    uint32_t key = ordered(Guess(near, far, static_cast<float>(HWY_MAX(aim, 0))));
    if (key <= lo || key >= hi) key = lo + (hi - lo) / 2;
    const Counted here = {from_ordered(key), Count(x, n, from_ordered(key))};
    if (here.reach >= k) {
      lo = key, reach = here.reach;
    } else {
      hi = key, above = here.reach;
    }
    const auto distance = [k](Counted c) { return c.reach < k ? k - c.reach : c.reach - k; };
    if (distance(here) <= distance(near)) {
      far = near, near = here;
    } else if (distance(here) < distance(far)) {
      far = here;
    }
  }
  const int32_t larger = above; /* than all that are looked at from here on */
  if (hi - lo > 1 && reach - above < n) {
    const Range left = Between(x, n, from_ordered(lo), from_ordered(hi), spare);
    x = spare, n = left.count;
    if (n > 0) lo = ordered(left.least), hi = ordered(left.most) + 1;
  }
  while (hi - lo > 1) {
    const uint32_t middle = lo + (hi - lo) / 2;
    const int32_t count = larger + Count(x, n, from_ordered(middle));
    if (count >= k) {
      lo = middle, reach = count;
    } else {
      hi = middle, above = count;
    }
  }
  return {from_ordered(lo), above, reach};
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
HWY_EXPORT(KthLargest);
HWY_EXPORT(NthEqual);

int32_t sift(const Row& row, int32_t n, float bound, float* out) {
  return HWY_DYNAMIC_DISPATCH(Sift)(row, n, bound, out);
}

KthValue kth_largest(const float* x, int32_t n, int32_t k, float least, float most, float* spare) {
  return HWY_DYNAMIC_DISPATCH(KthLargest)(x, n, k, least, most, spare);
}

int32_t nth_equal(const float* x, int32_t n, float value, int32_t nth) {
  return HWY_DYNAMIC_DISPATCH(NthEqual)(x, n, value, nth);
}

}  // namespace coolsd::simd
#endif
