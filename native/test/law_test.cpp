/*
 * Laws and residuals of single rows against sums in double: every element type, guidance, alignment, lengths around
 * vectors and blocks, rows that are hard for a sum relative to a value found near their start.
 */
#include "law.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>

#include "residual.h"

namespace coolsd {
namespace {

constexpr double kLog2E = 1.4426950408889634;

size_t size(int64_t n) { return static_cast<size_t>(n); }

/* How much less exact the sums are: without vectors f32 sums are of four times as many terms and more. */
double coarse() { return std::strcmp(simd::target(), "SCALAR") == 0 ? 4 : 1; }

/* A value as an element of a type: cut off, except that NaN and infinities stay what they are. */
void store(float x, int32_t dtype, char* to) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (dtype == COOLSD_F32) {
    std::memcpy(to, &bits, sizeof bits);
    return;
  }
  uint16_t half = static_cast<uint16_t>(bits >> 16);
  if (dtype == COOLSD_F16) {
    const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    const uint32_t small = magnitude < 113u << 23 ? 0 : std::min((magnitude >> 13) - (112u << 10), 0x7BFFu);
    half = static_cast<uint16_t>(sign | (std::isnan(x) ? 0x7E00 : std::isinf(x) ? 0x7C00 : small));
  }
  std::memcpy(to, &half, sizeof half);
}

/* A row whose memory ends with it, from an address that is aligned to an element and no more. */
struct Made {
  Made(const std::vector<float>& x, const std::vector<float>* u, int32_t dtype, float scale)
      : row(view(x, dtype, c), u == nullptr ? coolsd_logits{} : view(*u, dtype, low), scale, 0, 0) {}
  static coolsd_logits view(const std::vector<float>& x, int32_t dtype, std::vector<char>& memory) {
    const int64_t element = element_size(dtype), n = static_cast<int64_t>(x.size());
    memory.resize(size((n + 1) * element));
    for (int64_t i = 0; i < n; ++i) store(x[size(i)], dtype, &memory[size((i + 1) * element)]);
    return {memory.data() + element, n, n, dtype};
  }
  std::vector<char> c, low;
  Row row;
};

/* Kinds of rows. */
using Shape = std::function<float(int32_t i, int32_t n, std::mt19937& random)>;
const struct {
  const char* name;
  Shape at;
} kShapes[] = {
    {"normal", [](int32_t, int32_t, std::mt19937& r) { return std::normal_distribution<float>(0, 2)(r); }},
    {"largest last",
     [](int32_t i, int32_t n, std::mt19937&) { return i == n - 1 ? 900.0f : 0.01f * static_cast<float>(i % 7); }},
    {"rising", [](int32_t i, int32_t, std::mt19937&) { return 0.05f * static_cast<float>(i); }},
    {"jumps",
     [](int32_t i, int32_t, std::mt19937& r) {
       return static_cast<float>(i / 700 % 3) * 300.0f + std::normal_distribution<float>()(r);
     }},
    {"a little above", [](int32_t i, int32_t,
                          std::mt19937& r) { return (i > 2100 ? 4.0f : 0.0f) + std::normal_distribution<float>()(r); }},
    {"far from zero", [](int32_t, int32_t, std::mt19937& r) { return -700.0f + std::normal_distribution<float>()(r); }},
    {"masked here and there",
     [](int32_t i, int32_t, std::mt19937& r) { return i % 5 == 3 ? -INFINITY : std::normal_distribution<float>()(r); }},
    {"masked blocks", [](int32_t i, int32_t n,
                         std::mt19937& r) { return i < n / 2 ? -INFINITY : std::normal_distribution<float>()(r); }},
    {"masked with the lowest",
     [](int32_t i, int32_t, std::mt19937& r) {
       return i % 3 == 1 ? std::numeric_limits<float>::lowest() : std::normal_distribution<float>()(r);
     }},
};

const int32_t kLengths[] = {1, 2, 3, 15, 16, 17, 31, 33, 64, 100, 511, 512, 513, 2047, 2048, 2049, 2100, 4096, 5003};

/* Checks a law that was assigned against the row's values in double. */
void check(const Law& law, const Row& row, int32_t n, double temperature, Scratch& scratch, const std::string& what) {
  const coolsd_normaliser found = law.normaliser();
  double largest = -INFINITY, mass = 0;
  for (int32_t i = 0; i < n; ++i) largest = std::max(largest, static_cast<double>(row[i]));
  ASSERT_EQ(static_cast<double>(found.largest), largest) << what;
  std::vector<double> reached(size(n));
  for (int32_t i = 0; i < n; ++i) {
    mass += std::exp2((static_cast<double>(row[i]) - largest) * std::min(kLog2E / temperature, 1e38));
    reached[size(i)] = mass;
  }
  ASSERT_NEAR(found.mass / mass, 1, 1.5e-6 * coarse()) << what;
  for (double u : {0.0, 0.1, 0.5, 0.9, 1 - 0x1p-32}) {
    const int32_t token = law.draw(u, scratch);
    ASSERT_TRUE(token >= 0 && token < n) << what;
    const double before = token == 0 ? 0 : reached[size(token - 1)] / mass, after = reached[size(token)] / mass;
    ASSERT_TRUE(before <= u + 1e-6 * coarse() && u - 1e-6 * coarse() <= after)
        << what << " u " << u << " token " << token;
    ASSERT_GT(law[token], 0) << what;
  }
}

TEST(Law, MassAndDrawsAgreeWithDouble) {
  std::mt19937 random(1);
  Scratch scratch(8192);
  Law law(8192);
  for (int32_t n : kLengths) {
    for (const auto& shape : kShapes) {
      for (int32_t dtype : {COOLSD_F32, COOLSD_F16, COOLSD_BF16}) {
        for (float guidance : {0.0f, 3.5f, -0.5f}) {
          std::vector<float> x(size(n)), u(size(n));
          for (int32_t i = 0; i < n; ++i) {
            x[size(i)] = shape.at(i, n, random);
            u[size(i)] = shape.at(i, n, random);
          }
          x[size(n - 1)] = std::isinf(x[size(n - 1)]) ? 0 : x[size(n - 1)];
          u[size(n - 1)] = std::isinf(u[size(n - 1)]) ? 0 : u[size(n - 1)];
          const Made made(x, guidance == 0 ? nullptr : &u, dtype, guidance);
          bool finite = true; /* overflow of guidance is an infinity like any other */
          for (int32_t i = 0; i < n; ++i) finite = finite && made.row.status(i) == COOLSD_ROW_OK;
          for (float temperature : {1e-30f, 0.05f, 1.0f, 3.4e38f}) {
            const std::string what = std::string(shape.name) + " n " + std::to_string(n) + " dtype " +
                                     std::to_string(dtype) + " guidance " + std::to_string(guidance) + " temperature " +
                                     std::to_string(temperature);
            const coolsd_sampling sampling = {sizeof sampling, temperature, guidance, 0, 1, 0, 0};
            const coolsd_row_status status = law.assign(made.row, sampling, n, scratch);
            ASSERT_EQ(status == COOLSD_ROW_OK, finite) << what;
            if (finite) check(law, made.row, n, static_cast<double>(temperature), scratch, what);
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TEST(Law, WhatIsNotFiniteIsFoundAnywhere) {
  Scratch scratch(8192);
  Law law(8192);
  const coolsd_sampling plain = {sizeof plain, 1, 2, 0, 1, 0, 0}, cut = {sizeof cut, 1, 2, 40, 1, 0, 0};
  const struct {
    float value;
    coolsd_row_status status;
  } bad[] = {{NAN, COOLSD_ROW_NAN}, {-NAN, COOLSD_ROW_NAN}, {INFINITY, COOLSD_ROW_INFINITE}};
  for (int32_t n : kLengths) {
    for (int32_t dtype : {COOLSD_F32, COOLSD_F16, COOLSD_BF16}) {
      for (const auto& b : bad) {
        for (int32_t at : {0, n / 3, n / 2, n - 1}) {
          for (bool guided : {false, true}) {
            std::vector<float> x(size(n), 1.0f), u(size(n), 0.5f);
            x[size(at)] = b.value;
            const Made made(x, guided ? &u : nullptr, dtype, 2);
            EXPECT_EQ(law.assign(made.row, plain, n, scratch), b.status) << n << " " << at;
            EXPECT_EQ(law.assign(made.row, cut, n, scratch), b.status) << n << " " << at;
          }
        }
      }
      const std::vector<float> masked(size(n), -INFINITY);
      const Made made(masked, nullptr, dtype, 1);
      EXPECT_EQ(law.assign(made.row, plain, n, scratch), COOLSD_ROW_EMPTY);
      EXPECT_EQ(law.assign(made.row, cut, n, scratch), COOLSD_ROW_EMPTY);
    }
  }
}

TEST(Law, CutOffsKeepTheLargestWithTiesToTheLowestIndex) {
  std::mt19937 random(2);
  Scratch scratch(8192);
  Law law(8192);
  for (int32_t n : kLengths) {
    for (int32_t kinds : {2, 50, 1000000}) {
      for (int32_t dtype : {COOLSD_F32, COOLSD_BF16}) {
        std::vector<float> x(size(n));
        for (float& v : x)
          v = static_cast<float>(random() % static_cast<uint32_t>(kinds)) * (6.0f / static_cast<float>(kinds));
        const Made made(x, nullptr, dtype, 1);
        std::vector<int32_t> order(size(n));
        for (int32_t i = 0; i < n; ++i) order[size(i)] = i;
        std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return made.row[a] > made.row[b]; });
        for (float temperature : {0.0f, 1.0f}) {
          for (int32_t k : {1, 2, n / 10, n / 2, n}) {
            if (k < 1) continue;
            const coolsd_sampling sampling = {sizeof sampling, temperature, 1, k, 1, 0, 0};
            ASSERT_EQ(law.assign(made.row, sampling, n, scratch), COOLSD_ROW_OK);
            const int32_t kept = temperature == 0 ? 1 : k;
            double mass = 0;
            for (int32_t i = 0; i < n; ++i) {
              const double p = law[order[size(i)]];
              ASSERT_EQ(p > 0, i < kept) << "n " << n << " k " << k << " kinds " << kinds << " rank " << i;
              mass += p;
            }
            ASSERT_NEAR(mass, 1, 1e-6 * coarse());
            for (double u : {0.0, 0.5, 1 - 0x1p-32}) ASSERT_GT(law[law.draw(u, scratch)], 0);
          }
        }
      }
    }
  }
}

TEST(Residual, SumsAndDrawsAgreeWithDouble) {
  std::mt19937 random(4);
  Scratch scratch(8192);
  Law p(8192), q(8192);
  Residual residual(8192);
  for (int32_t n : kLengths) {
    for (const auto& p_shape : kShapes) {
      for (const auto& q_shape : kShapes) {
        for (int32_t dtype : {COOLSD_F32, COOLSD_F16, COOLSD_BF16}) {
          std::vector<float> x(size(n)), y(size(n));
          for (int32_t i = 0; i < n; ++i) {
            x[size(i)] = p_shape.at(i, n, random);
            y[size(i)] = q_shape.at(i, n, random);
          }
          if (std::isinf(x[size(n - 1)])) x[size(n - 1)] = 0;
          if (std::isinf(y[size(n - 1)])) y[size(n - 1)] = 0;
          const Made target(x, nullptr, dtype, 1), draft(y, nullptr, random() % 4 == 0 ? COOLSD_F32 : dtype, 1);
          coolsd_sampling sampling = {sizeof sampling, 1, 1, 0, 1, 0, 0}, drafted = sampling;
          if (n > 2 && random() % 4 == 0) drafted.window_lo = n / 3, drafted.window_hi = n;
          if (random() % 4 == 0) drafted.top_k = (n + 1) / 2;
          if (p.assign(target.row, sampling, n, scratch) != COOLSD_ROW_OK) continue;
          if (q.assign(draft.row, drafted, n, scratch) != COOLSD_ROW_OK) continue;
          for (double omega : {0.4, 1.0, 1.7}) {
            Moments found;
            ASSERT_EQ(residual.sum(p, q, {omega}, true, scratch, found), COOLSD_ROW_OK);
            double sum = 0, drift = 0;
            std::vector<double> reached(size(n));
            for (int32_t i = 0; i < n; ++i) {
              const double taken = std::min(q[i], omega * p[i]);
              sum += std::max(p[i] - taken, 0.0);
              drift += std::max(taken - p[i], 0.0);
              reached[size(i)] = sum;
            }
            const std::string what = std::string(p_shape.name) + ", " + q_shape.name + " n " + std::to_string(n);
            ASSERT_NEAR(found.residual, sum, 3e-6 * coarse()) << what;
            ASSERT_NEAR(found.drift, drift, 3e-6 * coarse()) << what;
            for (double u : {0.0, 0.3, 0.99}) {
              int32_t token = residual.draw(p, q, u, scratch);
              if (token < 0) token = p.draw(u, scratch);
              ASSERT_TRUE(token >= 0 && token < n) << what;
              if (sum < 1e-4) continue; /* mostly rounding */
              const double before = token == 0 ? 0 : reached[size(token - 1)];
              ASSERT_TRUE(before <= u * sum + 3e-6 * coarse() && u * sum - 3e-6 * coarse() <= reached[size(token)])
                  << what;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace coolsd
