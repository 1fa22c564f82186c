#include "common/rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "common/philox.h"

namespace coolsd {
namespace {

// Known answers of the authors' Random123 distribution (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  const PhiloxBlock zeros = philox4x32_10({{0, 0, 0, 0}}, 0, 0);
  EXPECT_EQ(zeros.word[0], 0x6627e8d5u);
  EXPECT_EQ(zeros.word[1], 0xe169c58du);
  EXPECT_EQ(zeros.word[2], 0xbc57ac4cu);
  EXPECT_EQ(zeros.word[3], 0x9b00dbd8u);
  const uint32_t f = 0xffffffffu;
  const PhiloxBlock ones = philox4x32_10({{f, f, f, f}}, f, f);
  EXPECT_EQ(ones.word[0], 0x408f276du);
}

TEST(Philox, EveryPartOfTheCounterAndKeyCounts) {
  const double base = uniform(1, 2, 3);
  EXPECT_NE(base, uniform(2, 2, 3));
  EXPECT_NE(base, uniform(1 + (uint64_t{1} << 32), 2, 3));
  EXPECT_NE(base, uniform(1, 3, 3));
  EXPECT_NE(base, uniform(1, 2 + (uint64_t{1} << 32), 3));
  EXPECT_NE(base, uniform(1, 2, 2));
  EXPECT_NE(base, uniform(1, 2, 3, 1));
  EXPECT_EQ(base, uniform(1, 2, 3, 0));
}

/* 53 bits, the first word on top: within 2^-32 of what version 0.1 drew. */
TEST(Philox, UniformsHave53BitsOfTwoWords) {
  uint64_t ones = 0;
  for (uint64_t position = 0; position < 1000; ++position) {
    const PhiloxBlock block = philox4x32_10({{static_cast<uint32_t>(position), 0, 2, 0}}, 5, 0);
    const double u = uniform(5, position, 2);
    const double old = block.word[0] * 0x1p-32;
    ASSERT_TRUE(old <= u && u < old + 0x1p-32 && u < 1);
    const double scaled = u * 0x1p53;
    ASSERT_EQ(scaled, std::floor(scaled));
    ones |= static_cast<uint64_t>(scaled);
  }
  EXPECT_EQ(ones, (uint64_t{1} << 53) - 1);
}

TEST(Rule, ResidualIsTargetLessWhatWasAccepted) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int i = 0; i < 100000; ++i) {
    const double p = unit(random), q = unit(random), omega = 3 * unit(random);
    const double f = std::min(1.0, omega * p / q);
    EXPECT_NEAR(residual(p, q, 1 - omega, 0.0), std::max(p - q * f, 0.0), 1e-15);
    EXPECT_NEAR(drift(p, q, 1 - omega, 0.0), std::max(q * f - p, 0.0), 1e-15);
  }
}

TEST(Rule, Edges) {
  EXPECT_FALSE(accept(0.0, 0.5, 2.0, 0.0));
  EXPECT_FALSE(accept(0.0, 0.0, 2.0, 0.0));
  EXPECT_TRUE(accept(0.5, 0.0, 1.0, 0.999999));
  EXPECT_TRUE(accept(0.5, 0.5, 1.0, 1 - 0x1p-32));
  EXPECT_FALSE(accept(0.5, 0.5, 0.0, 0.0));
  EXPECT_FALSE(accept(0.5, 0.0, 0.0, 0.5));
}

}  // namespace
}  // namespace coolsd
