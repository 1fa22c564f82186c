/* Which instruction set is in use. */
#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/target.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace coolsd::simd::HWY_NAMESPACE {

const char* Name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cstdlib>
#include <cstring>

namespace coolsd::simd {

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

}  // namespace coolsd::simd
#endif
