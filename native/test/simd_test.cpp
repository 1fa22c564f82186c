#include "simd/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "common/budget.h"

namespace coolsd::simd {
namespace {

template <typename Which>
int32_t count_if(const std::vector<float>& x, Which which) {
  return static_cast<int32_t>(std::count_if(x.begin(), x.end(), which));
}

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

/* The same of the loops over whole rows, one token at a time. */
TEST(Simd, PowersOfTwoOfWholeRowsAreExactEnough) {
  double worst = 0;
  for (uint32_t bits = 0x80000000u; bits <= 0xC2FC0000u; bits += 5003) {
    float x, largest = -INFINITY;
    std::memcpy(&x, &bits, sizeof x);
    double sum;
    ASSERT_EQ(mass(Row(&x), 1, {0, 1, 1}, &sum, &largest), 1);
    EXPECT_EQ(largest, x);
    const double exact = std::exp2(static_cast<double>(x));
    worst = std::max(worst, std::fabs(sum - exact) / exact);
  }
  EXPECT_LT(worst, 0x1p-21) << target();
}

TEST(Simd, TheReferenceHasPowerOneAndWhatIsFarBelowNone) {
  const float x[4] = {3, 3 - 127.0f, -INFINITY, -3e38f};
  float y[4 + kSlack];
  const double sum = exponentials(x, 4, {3, 1, false, 0, 0}, y);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_LT(y[1], 0x1p-125f);
  EXPECT_EQ(y[2], 0.0f);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_EQ(sum, 1.0);
}

TEST(Simd, NotANumberComesThrough) {
  for (float nan : {NAN, -NAN}) {
    for (int32_t at = 0; at < 70; ++at) {
      std::vector<float> x(70, 1.0f), y(70 + kSlack);
      x[static_cast<size_t>(at)] = nan;
      EXPECT_TRUE(std::isnan(exponentials(x.data(), 70, {1, 1, false, 0, 0}, y.data())));
      EXPECT_TRUE(maximum(x.data(), 70).nan);
      double sum;
      float largest = -INFINITY;
      EXPECT_EQ(mass(Row(x.data()), 70, {1, 1, 9}, &sum, &largest), 0);
    }
  }
}

/* The row loops either agree with double or stop, and stop only at what is not finite or above the limit. */
TEST(Simd, WholeRowsAreSummedOrLeft) {
  const std::vector<float> odd = {-INFINITY, -3e38f, -1e30f, -1e20f, INFINITY, NAN, -NAN, 40};
  for (int32_t n : {1, 15, 16, 17, 63, 64, 65, 2047, 2048, 2049, 4096 + 33}) {
    for (float strange : odd) {
      for (int32_t at : {0, n / 2, n - 1}) {
        std::vector<float> x(static_cast<size_t>(n));
        for (int32_t i = 0; i < n; ++i) x[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 101) * 0.1f;
        x[static_cast<size_t>(at)] = strange;
        std::vector<double> sums(4);
        float largest = -INFINITY;
        const int32_t done = mass(Row(x.data()), n, {8, 1.5f, 20}, sums.data(), &largest);
        const int32_t blocks = (n + kBlock - 1) / kBlock;
        ASSERT_TRUE(done == blocks || done == at / kBlock) << n << " " << strange << " " << at;
        if (!(strange < 20)) {
          ASSERT_EQ(done, at / kBlock);
        }
        for (int32_t b = 0; b < done; ++b) {
          double exact = 0;
          for (int32_t i = b * kBlock; i < std::min(n, (b + 1) * kBlock); ++i) {
            exact += std::exp2((static_cast<double>(x[static_cast<size_t>(i)]) - 8) * 1.5);
          }
          EXPECT_NEAR(sums[static_cast<size_t>(b)], exact, 1e-6 * exact);
        }
      }
    }
  }
}

TEST(Simd, SearchFindsTheTokenOrTheLastWithAWeight) {
  for (int32_t n : {1, 5, 127, 128, 129, 300, 2048}) {
    std::vector<float> weights(static_cast<size_t>(n));
    for (int32_t i = 0; i < n; ++i) weights[static_cast<size_t>(i)] = i % 3 == 0 && i < 250 ? 0.5f : 0.0f;
    const int32_t all = (std::min(n, 250) + 2) / 3;
    for (int32_t k = 0; k < all; ++k) {
      EXPECT_EQ(search(weights.data(), n, 2, 2 + 0.5 * k), 3 * k);
      EXPECT_EQ(search(weights.data(), n, 2, 2.25 + 0.5 * k), 3 * k);
    }
    EXPECT_EQ(search(weights.data(), n, 2, 1e9), 3 * (all - 1));
    EXPECT_EQ(search(std::vector<float>(static_cast<size_t>(n)).data(), n, 2, 2), -1);
  }
}

TEST(Simd, SelectionAgreesWithSorting) {
  std::mt19937 random(3);
  for (int32_t n : {1, 2, 15, 16, 17, 255, 256, 257, 1000, 5003}) {
    for (int32_t kinds : {1, 3, 1000000}) { /* many ties, few, none */
      std::vector<float> x(static_cast<size_t>(n)), spare(static_cast<size_t>(n + kSlack));
      for (float& v : x) v = (static_cast<float>(random() % static_cast<uint32_t>(kinds)) - 1.0f) * -0.5f;
      std::vector<float> sorted = x;
      std::sort(sorted.begin(), sorted.end(), std::greater<float>());
      for (int32_t k : {1, 2, n / 3, n / 2, n - 1, n}) {
        if (k < 1 || k > n) continue;
        const float value = sorted[static_cast<size_t>(k - 1)];
        const KthValue found = kth_largest(x.data(), n, k, sorted.back(), sorted.front(), spare.data());
        EXPECT_EQ(found.value, value) << target() << " " << n << " " << k;
        EXPECT_EQ(found.above, count_if(x, [value](float v) { return v > value; }));
        EXPECT_EQ(found.reach, count_if(x, [value](float v) { return v >= value; }));
        int32_t nth = 0;
        for (int32_t i = 0; i < n; ++i) {
          if (x[static_cast<size_t>(i)] != value) continue;
          EXPECT_EQ(nth_equal(x.data(), n, value, ++nth), i);
        }
        EXPECT_EQ(nth_equal(x.data(), n, value, nth + 1), n);
      }
      const float bound = sorted[static_cast<size_t>(n / 2)];
      const int32_t sifted = sift(Row(x.data()), n, bound, spare.data());
      std::vector<float> wanted;
      std::copy_if(x.begin(), x.end(), std::back_inserter(wanted), [bound](float v) { return v >= bound; });
      EXPECT_EQ(std::vector<float>(spare.begin(), spare.begin() + sifted), wanted);
    }
  }
}

/* Rows as models make them, masked, flat, of few values, spread over all that an f32 can hold. */
TEST(Simd, TheKthLargestIsFoundWhateverTheRowLooksLike) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  const std::vector<std::function<float()>> shapes = {
      [&] { return 2 * normal(random); },
      [&] { return random() % 3 == 0 ? -INFINITY : normal(random); },
      [&] { return random() % 3 == 0 ? -3e38f : normal(random); },
      [&] { return 100 + std::floor(4 * normal(random)) * 0.5f; },
      [&] { return random() % 1000 == 0 ? 1.0f
                   : random() % 2 == 0  ? 0.0f
                                        : -0.0f; },
      [&] { return static_cast<float>(std::ldexp(normal(random), static_cast<int>(random() % 250) - 125)); },
      [&] { return -std::exp(3 * normal(random)); },
      [&] { return std::ldexp(static_cast<float>(random() % 7), -149); },
  };
  for (size_t shape = 0; shape < shapes.size(); ++shape) {
    for (int32_t n : {100, 256, 3000, 20000}) {
      std::vector<float> x(static_cast<size_t>(n)), spare(static_cast<size_t>(n + kSlack));
      for (float& v : x) v = shapes[shape]();
      std::vector<float> sorted = x;
      std::sort(sorted.begin(), sorted.end(), std::greater<float>());
      for (int32_t k : {1, 2, n / 8, n / 3, n / 2, 3 * n / 4, n - 1, n}) {
        const float value = sorted[static_cast<size_t>(k - 1)];
        const KthValue found = kth_largest(x.data(), n, k, sorted.back(), sorted.front(), spare.data());
        ASSERT_EQ(found.value, value) << target() << " " << shape << " " << n << " " << k;
        ASSERT_EQ(found.above, count_if(x, [value](float v) { return v > value; }));
        ASSERT_EQ(found.reach, count_if(x, [value](float v) { return v >= value; }));
        std::vector<float> in_place = x;
        in_place.resize(spare.size());
        ASSERT_EQ(kth_largest(in_place.data(), n, k, sorted.back(), sorted.front(), in_place.data()).value, value);
      }
    }
  }
}

/* What a cut-off must not lose: NaN and infinity are never left out, of rows of any type. */
TEST(Simd, SiftingKeepsWhatIsWrong) {
  const std::vector<uint16_t> wrong[] = {{0x7E00, 0xFE00, 0x7C00, 0x7C01}, {0x7FC0, 0xFFC0, 0x7F80, 0x7F81}};
  for (int32_t dtype : {COOLSD_F16, COOLSD_BF16}) {
    for (uint16_t bits : wrong[dtype == COOLSD_BF16]) {
      for (int32_t n : {1, 7, 16, 33, 100}) {
        for (int32_t at = 0; at < n; ++at) {
          std::vector<uint16_t> x(static_cast<size_t>(n), uint16_t{0xC000} /* -2 */);
          x[static_cast<size_t>(at)] = bits;
          std::vector<float> out(static_cast<size_t>(n + kSlack));
          ASSERT_EQ(sift(Row({x.data(), 0, 0, dtype}, {}, 1, 0, 0), n, 1, out.data()), 1) << target();
          ASSERT_TRUE(std::isnan(out[0]) || out[0] == INFINITY);
        }
      }
    }
  }
}

/* Every mask of a vector: the chosen values first and in order, and nothing touched beyond a vector. */
TEST(Simd, EveryMaskIsPacked) {
  for (uint32_t mask = 0; mask < 1u << 16; ++mask) {
    float x[16], out[16 + kSlack];
    std::vector<float> wanted;
    for (uint32_t i = 0; i < 16; ++i) {
      x[i] = (mask >> i & 1) ? static_cast<float>(1 + i) : -1;
      if (mask >> i & 1) wanted.push_back(x[i]);
    }
    const int32_t found = sift(Row(x), 16, 0, out);
    ASSERT_EQ(std::vector<float>(out, out + found), wanted) << target() << " " << mask;
  }
}

/* Bins and sums are those of budget.h, token by token in order. */
TEST(Simd, ExcessesAreThoseOfTheBudgetsDefinition) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (int32_t n : {1, 5, 16, 17, 100, 2047, 2048}) {
    std::vector<float> x(static_cast<size_t>(n)), y(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = 2 * normal(random);
      y[i] = random() % 9 == 0 ? x[i] : x[i] + 3 * normal(random);
      if (random() % 20 == 0) x[i] = -INFINITY;
      if (random() % 20 == 0) x[i] = -150;
    }
    const Exponential cut = {9, 1.5f, true, -3, n / 2}, all = {12, 1.5f, false, -INFINITY, n};
    const ResidualTerms terms = {cut, all, 7, 0, 20, false};
    std::vector<float> a(x.size() + kSlack), b(a.size());
    exponentials(x.data(), n, cut, a.data());
    exponentials(y.data(), n, all, b.data());
    std::vector<int32_t> bins(a.size());
    std::vector<float> sums(2 * a.size()), p(a.size()), q(a.size());
    ResidualReport report;
    const int32_t found =
        excesses(x.data(), y.data(), terms, n, {bins.data(), sums.data(), p.data(), q.data()}, &report);
    EXPECT_TRUE(report.draft_fits);
    size_t at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const float mine = a[i], drafted = b[i] * 7;
      if (!(mine > 0 && drafted > mine)) continue;
      ASSERT_EQ(bins[at], budget_bin(mine, drafted)) << target() << " " << i;
      ASSERT_EQ(sums[2 * at], drafted - mine);
      ASSERT_EQ(sums[2 * at + 1], mine);
      ++at;
    }
    EXPECT_EQ(static_cast<int32_t>(at), found);
  }
}

/* The value of 16 bits, by their definition. */
float by_definition(int32_t bits, int32_t dtype) {
  const int fraction_bits = dtype == COOLSD_F16 ? 10 : 7, bias = dtype == COOLSD_F16 ? 15 : 127;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int exponent = (bits >> fraction_bits) & (2 * bias + 1);
  double value = std::ldexp(1 + std::ldexp(fraction, -fraction_bits), exponent - bias);
  if (exponent == 0) value = std::ldexp(fraction, 1 - bias - fraction_bits);
  if (exponent == 2 * bias + 1) value = fraction == 0 ? INFINITY : NAN;
  return static_cast<float>(bits & 0x8000 ? -value : value);
}

TEST(Simd, AllValuesOf16BitsAreWidenedExactly) {
  for (int32_t dtype : {COOLSD_F16, COOLSD_BF16}) {
    std::vector<uint16_t> bits(65536);
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
    const coolsd_logits view = {bits.data(), 0, 0, dtype};
    const Row row(view, {}, 1, 0, 0);
    std::vector<float> out(bits.size() + kSlack);
    load(row, 65536, out.data());
    for (int32_t i = 0; i < 65536; ++i) {
      const float exact = by_definition(i, dtype), found = out[static_cast<size_t>(i)];
      if (std::isnan(exact)) {
        ASSERT_TRUE(std::isnan(found) && std::isnan(row[i])) << i;
        continue;
      }
      ASSERT_EQ(found, exact) << i;
      ASSERT_EQ(row[i], exact) << i;
      /* The loop over rows in place: whole vectors and a rest of this value, whose largest is it. */
      uint16_t same[81];
      std::fill_n(same, 81, static_cast<uint16_t>(i));
      const coolsd_logits copies = {same, 0, 0, dtype};
      double sum;
      float largest = -INFINITY;
      if (std::isinf(exact) || mass(Row(copies, {}, 1, 0, 0), 81, {exact, 1e-30f, INFINITY}, &sum, &largest) == 0)
        continue;
      ASSERT_EQ(largest, exact) << i;
    }
  }
}

/* With COOLSD_SIMD in the environment no set is better than the one named; the first is it. */
TEST(Simd, TheInstructionSetIsTheOneAskedFor) {
  static const std::string first = target();
  const char* asked = std::getenv("COOLSD_SIMD");
  if (asked != nullptr) {
    EXPECT_EQ(first, asked);
  }
}

}  // namespace
}  // namespace coolsd::simd
