#include "simd/simd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace coolsd::simd {
namespace {

/* Every 211th float from -126 to 0 against double: relative error below 2^-21. */
TEST(Simd, PowersOfTwoAreExactEnough) {
  const Exponential e = {0, 1, false, 0, 0};
  std::vector<float> x, y(kBlock + kSlack);
  double worst = 0;
  const auto flush = [&] {
    exponentials(x.data(), static_cast<int32_t>(x.size()), e, y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp2(static_cast<double>(x[i]));
      worst = std::max(worst, std::fabs(static_cast<double>(y[i]) - exact) / exact);
    }
    x.clear();
  };
  for (uint32_t bits = 0x80000000u; bits <= 0xC2FC0000u; bits += 211) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    x.push_back(value);
    if (x.size() == kBlock) flush();
  }
  flush();
  RecordProperty("worst", std::to_string(worst));
  EXPECT_LT(worst, 0x1p-21) << target();
}

TEST(Simd, TheLargestHasPowerOneAndTheRestOfTheRangeIsZero) {
  const float x[4] = {3, 3 - 127.0f, -INFINITY, -3e38f};
  float y[4 + kSlack];
  const double sum = exponentials(x, 4, {3, 1, false, 0, 0}, y);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], 0.0f);
  EXPECT_EQ(y[2], 0.0f);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_EQ(sum, 1.0);
}

TEST(Simd, TheInstructionSetIsTheOneAskedFor) {
  const char* asked = std::getenv("COOLSD_SIMD");
  if (asked != nullptr) {
    EXPECT_STREQ(target(), asked);
  }
}

}  // namespace
}  // namespace coolsd::simd
