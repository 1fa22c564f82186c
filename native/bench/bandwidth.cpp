#include "bandwidth.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bandwidth.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace coolsd::bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

uint64_t ReadOnce(const void* from, size_t bytes) {
  const hn::ScalableTag<uint64_t> d;
  const size_t lanes = hn::Lanes(d), n = bytes / sizeof(uint64_t);
  const uint64_t* x = static_cast<const uint64_t*>(from);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = a + hn::LoadU(d, x + i);
    b = b + hn::LoadU(d, x + i + lanes);
    c = c + hn::LoadU(d, x + i + 2 * lanes);
    e = e + hn::LoadU(d, x + i + 3 * lanes);
  }
  uint64_t sum = hn::GetLane(hn::SumOfLanes(d, (a + b) + (c + e)));
  for (; i < n; ++i) sum += x[i];
  return sum;
}

const char* ReadingTarget() { return hwy::TargetName(HWY_TARGET); }

}  // namespace coolsd::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coolsd::bench {

HWY_EXPORT(ReadOnce);
HWY_EXPORT(ReadingTarget);

uint64_t read_once(const void* from, size_t bytes) { return HWY_DYNAMIC_DISPATCH(ReadOnce)(from, bytes); }

const char* reading_target() { return HWY_DYNAMIC_DISPATCH(ReadingTarget)(); }

}  // namespace coolsd::bench
#endif
