/* Cases that people who do this job ran into elsewhere, with the right outcome worked out by hand. */
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "common/philox.h"
#include "law.h"
#include "step_case.h"

namespace coolsd::test {
namespace {

void put(const std::vector<double>& law, float* row) {
  for (double p : law) *row++ = static_cast<float>(std::log(p));
}

/*
 * A drafter with a smaller vocabulary: its window says so, its rows are as wide as they are. The last one ends with its
 * memory; in the other form what lies behind the window is NaN.
 */
TEST(Cases, ADrafterMayHaveASmallerVocabulary) {
  for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    for (int32_t stride : {4, 6}) {
      StepCase c(6, 1);
      c.spec.rule = rule;
      c.spec.draft.window_hi = 4;
      put({0.1, 0.1, 0.1, 0.1, 0.3, 0.3}, c.target_row(0, 0));
      put({1, 1, 1, 1, 1, 1}, c.target_row(0, 1));
      const std::unique_ptr<float[]> draft(new float[size(stride)]);
      std::fill_n(draft.get(), stride, NAN);
      put({0.4, 0.3, 0.2, 0.1}, draft.get());
      c.draft_tokens[0] = 0;
      ASSERT_EQ(c.open(), COOLSD_OK);
      coolsd_verify_args args = c.arguments();
      args.draft = {draft.get(), stride, stride, COOLSD_F32};
      const auto verify = [&] {
        EXPECT_EQ(coolsd_verify(c.verifier, &args), COOLSD_OK) << coolsd_last_error();
        EXPECT_EQ(c.drift[0], 0);
      };
      std::vector<int32_t> emitted(6);
      for (uint64_t seed = 0; seed < 20000; ++seed) {
        c.seeds[0] = seed;
        int32_t sampled;
        coolsd_sample_args sample{};
        sample.struct_size = sizeof sample;
        sample.batch = 1;
        sample.logits = args.draft;
        sample.purpose = COOLSD_DRAFT;
        sample.seeds = c.seeds.data();
        sample.positions = c.positions.data();
        sample.tokens = c.draft_tokens.data();
        sample.status = &sampled;
        ASSERT_EQ(coolsd_sample(c.verifier, &sample), COOLSD_OK);
        ASSERT_EQ(sampled, COOLSD_ROW_OK);
        verify();
        ASSERT_EQ(c.status[0], COOLSD_ROW_OK);
        ++emitted[size(c.tokens[0])];
        if (c.draft_tokens[0] != 0) continue;
        const double u = uniform(seed, 0, COOLSD_ACCEPT), r = uniform(seed, 0, COOLSD_RESAMPLE);
        if (std::fabs(u - 0.25) < 1e-6 || std::fabs(r - 0.5) < 1e-6) continue;
        ASSERT_EQ(c.tokens[0], u < 0.25 ? 0 : r < 0.5 ? 4 : 5);
      }
      for (size_t t = 0; t < 6; ++t) { /* five standard deviations */
        const double p = t < 4 ? 0.1 : 0.3;
        EXPECT_NEAR(emitted[t] / 20000.0, p, 5 * std::sqrt(p * (1 - p) / 20000)) << t;
      }
      c.draft_tokens[0] = 5;
      verify();
      EXPECT_EQ(c.accepted[0], 1);
      c.draft_tokens[0] = 6;
      verify();
      EXPECT_EQ(c.status[0], COOLSD_ROW_TOKEN_OUT_OF_RANGE);
    }
  }
}

/* A drafter that takes the argmax has a law too, with all mass on one token: with it the target's law comes out. */
TEST(Cases, ADrafterMayTakeTheArgmax) {
  for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    StepCase c(4, 1);
    c.spec.rule = rule;
    c.spec.draft.temperature = 0;
    const float row[4] = {2, 1.5f, 1, 0.5f};
    std::copy_n(row, 4, c.target_row(0, 0));
    std::copy_n(row, 4, c.draft_row(0, 0));
    for (float omega : {1.0f, 1.5f}) {
      c.omega[0] = omega;
      ASSERT_EQ(c.open(), COOLSD_OK);
      ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
      ASSERT_EQ(c.draft_tokens[0], 0);
      int32_t rejected = 0;
      for (uint64_t seed = 0; seed < 4000; ++seed) {
        c.seeds[0] = seed;
        ASSERT_EQ(c.verify(), COOLSD_OK);
        const double u = uniform(seed, 0, COOLSD_ACCEPT), r = uniform(seed, 0, COOLSD_RESAMPLE);
        const double accepted = omega == 1 ? 0.455054 : 0.682581;
        ASSERT_NEAR(c.drift[0], omega == 1 ? 0 : 0.227527, 1e-6);
        if (std::fabs(u - accepted) < 2e-6) continue;
        ASSERT_EQ(c.accepted[0], u < accepted ? 1 : 0);
        if (u < accepted) {
          ASSERT_NEAR(c.ratio[0], 0.455054 / accepted, 3e-6);
          continue;
        }
        ++rejected;
        const double first = 0.506480, second = first + 0.307196;
        if (std::fabs(r - first) < 2e-6 || std::fabs(r - second) < 2e-6) continue;
        ASSERT_EQ(c.tokens[0], r < first ? 1 : r < second ? 2 : 3);
      }
      EXPECT_GT(rejected, 1000);
    }
  }
}

/* The law of one row of probabilities. */
struct Nucleus {
  Nucleus(const std::vector<double>& law, float top_p) : row(law.size()), scratch(1 << 15), made(1 << 15) {
    for (size_t i = 0; i < law.size(); ++i) row[i] = static_cast<float>(std::log(law[i]));
    coolsd_sampling sampling = plain();
    sampling.top_p = top_p;
    EXPECT_EQ(made.assign(Row(row.data()), sampling, static_cast<int32_t>(law.size()), scratch), COOLSD_ROW_OK);
  }
  std::vector<double> laws() const {
    std::vector<double> all;
    for (size_t i = 0; i < row.size(); ++i) all.push_back(made[static_cast<int32_t>(i)]);
    return all;
  }
  std::vector<float> row;
  Scratch scratch;
  Law made;
};

void expect_near(const std::vector<double>& found, const std::vector<double>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-6) << i;
}

TEST(Cases, TheNucleusAtItsEdge) {
  expect_near(Nucleus({0.5, 0.41, 0.09}, 0.9f).laws(), {0.549451, 0.450549, 0});
  expect_near(Nucleus({0.4, 0.3, 0.2, 0.1}, 0.8f).laws(), {0.444444, 0.333333, 0.222222, 0});
  const Nucleus half(std::vector<double>(16384, 1.0), 0.5f);
  for (int32_t t = 0; t < 16384; ++t) {
    if (t < 8192) {
      ASSERT_NEAR(std::log(half.made[t]), -9.010913, 1e-6);
    } else {
      ASSERT_EQ(half.made[t], 0);
    }
  }
  /* A top-p is an f32: that of 0.3 is above 0.3, and three of ten do not reach it. */
  const int32_t kept[9] = {2, 3, 4, 5, 5, 7, 7, 9, 9};
  for (int32_t tenth = 1; tenth < 10; ++tenth) {
    const Nucleus some(std::vector<double>(10, 0.1), static_cast<float>(tenth * 0.1));
    const std::vector<double> laws = some.laws();
    EXPECT_EQ(std::count_if(laws.begin(), laws.end(), [](double p) { return p > 0; }), kept[tenth - 1]) << tenth;
  }
}

}  // namespace
}  // namespace coolsd::test
