/* Every rule and every way to a factor, through the ABI, against the definition in double. */
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "common/budget.h"
#include "definition.h"

namespace coolsd::test {
namespace {

/* Samplings with and without windows and cut-offs. */
coolsd_sampling random_sampling(std::mt19937& random, int32_t vocab) {
  coolsd_sampling s = plain();
  const float temperatures[] = {1, 0.7f, 1.6f};
  s.temperature = random() % 9 == 0 ? 0 : temperatures[random() % 3];
  if (random() % 3 == 0) s.top_k = 1 + static_cast<int32_t>(random() % static_cast<uint32_t>(vocab));
  if (random() % 4 == 0) s.top_p = 0.6f;
  if (random() % 3 == 0) {
    s.window_lo = static_cast<int32_t>(random() % static_cast<uint32_t>(vocab));
    s.window_hi = s.window_lo + 1 + static_cast<int32_t>(random() % static_cast<uint32_t>(vocab - s.window_lo));
  }
  return s;
}

struct Kind {
  coolsd_rule rule;
  float affine;
};

/* Random cases of a rule; how many decisions lay at their boundary. */
void compare(const Kind& kind, uint32_t seed, int32_t cases) {
  std::mt19937 random(seed);
  int32_t compared = 0, resampled = 0, behind_first = 0;
  for (int32_t number = 0; number < cases; ++number) {
    const int32_t vocab = 2 + static_cast<int32_t>(random() % 30), length = static_cast<int32_t>(random() % 7);
    StepCase c(vocab, length, 3);
    c.randomise(random, 1.5f, random() % 2 == 0 ? 0.5f : 2.0f);
    if (random() % 4 == 0) c.target[random() % c.target.size()] = -INFINITY;
    c.spec.rule = kind.rule;
    c.spec.affine = kind.affine;
    if (random() % 2 == 0) {
      for (int32_t b = 0; b < c.batch; ++b) {
        c.target_samplings.push_back(random_sampling(random, vocab));
        c.draft_samplings.push_back(random_sampling(random, vocab));
        c.lengths.push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(length + 1)));
      }
    }
    for (int32_t i = 0; i < c.batch * length; ++i) {
      const float factors[] = {0, 0.3f, 1, 1, 1.2f, 1.7f, 4};
      c.omegas.push_back(factors[random() % 7]);
    }
    for (uint64_t& one : c.seeds) one = random();
    ASSERT_EQ(c.open(), COOLSD_OK) << coolsd_last_error();
    ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
    for (int32_t& token : c.draft_tokens) { /* not only what was drawn */
      if (random() % 4 == 0) token = static_cast<int32_t>(random() % static_cast<uint32_t>(vocab));
    }
    if (random() % 2 == 0) c.normalisers.clear();
    ASSERT_EQ(c.verify(), COOLSD_OK) << coolsd_last_error();
    for (int32_t b = 0; b < c.batch; ++b) {
      if (c.status[size(b)] == COOLSD_ROW_EMPTY) continue; /* a window of the one token that is masked */
      ASSERT_EQ(c.status[size(b)], COOLSD_ROW_OK);
      std::vector<double> omega;
      for (int32_t i = 0; i < length; ++i) omega.push_back(static_cast<double>(c.omegas[size(b * length + i)]));
      const Outcome wanted = verify_by_definition(c, b, kind.rule == COOLSD_RULE_BLOCK, omega);
      if (wanted.closest < 2e-6) continue;
      ++compared;
      const int32_t n = static_cast<int32_t>(wanted.tokens.size()) - 1;
      ASSERT_EQ(c.accepted[size(b)], n) << number << " sequence " << b << " closest " << wanted.closest;
      resampled += n < (c.lengths.empty() ? length : c.lengths[size(b)]);
      behind_first += n > 1;
      for (int32_t i = 0; i <= length; ++i) {
        const size_t at = size(b * (length + 1) + i);
        if (i > n) {
          ASSERT_EQ(c.tokens[at], -1);
          ASSERT_EQ(c.ratio[at], 1);
          ASSERT_EQ(c.log_prob[at], 0);
          continue;
        }
        ASSERT_EQ(c.tokens[at], wanted.tokens[size(i)]) << number << " sequence " << b << " position " << i;
        ASSERT_NEAR(c.log_prob[at], wanted.log_prob[size(i)], 1e-6);
        const double p = std::exp(wanted.log_prob[size(i)]);
        ASSERT_NEAR(p / c.ratio[at], p / wanted.ratio[size(i)], 5e-6) << number << " position " << i;
      }
      for (int32_t i = 0; i < length; ++i) {
        const bool emitted = size(i) < wanted.drift.size();
        ASSERT_NEAR(c.drift[size(b * length + i)], emitted ? wanted.drift[size(i)] : 0, 3e-6) << number;
        ASSERT_EQ(c.factors[size(b * length + i)], emitted ? c.omegas[size(b * length + i)] : 0);
      }
    }
  }
  EXPECT_GT(compared, cases * 5 / 2);
  EXPECT_GT(resampled, cases / 3);
  EXPECT_GT(behind_first, cases / 3);
}

TEST(Rules, RelaxedDecidesAsDefined) { compare({COOLSD_RULE_RELAXED, 0}, 1, 3000); }
TEST(Rules, AffineDecidesAsDefined) {
  compare({COOLSD_RULE_RELAXED, 0.25f}, 2, 2000);
  compare({COOLSD_RULE_RELAXED, 1.5f}, 3, 500);
}
TEST(Rules, BlockDecidesAsDefined) { compare({COOLSD_RULE_BLOCK, 0}, 4, 6000); }

/* Large vocabularies go through the loops in place; the sums are many blocks. */
TEST(Rules, BlockDecidesAsDefinedInLargeVocabularies) {
  std::mt19937 random(5);
  int32_t compared = 0;
  for (int32_t number = 0; number < 60; ++number) {
    StepCase c(5003, 4);
    c.randomise(random, 2, 1);
    c.spec.rule = COOLSD_RULE_BLOCK;
    c.omega = {1.8f, 1.2f, 0.7f, 1};
    if (number % 3 == 0) c.spec.target.top_k = c.spec.draft.top_k = 900;
    c.seeds[0] = random();
    ASSERT_EQ(c.open(), COOLSD_OK);
    ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
    ASSERT_EQ(c.verify(), COOLSD_OK);
    const Outcome wanted = verify_by_definition(c, 0, true, {c.omega.begin(), c.omega.end()});
    if (wanted.closest < 3e-6) continue;
    ++compared;
    const std::vector<int32_t> found(c.tokens.begin(), c.tokens.begin() + c.accepted[0] + 1);
    ASSERT_EQ(found, wanted.tokens);
    for (size_t i = 0; i < wanted.drift.size(); ++i) ASSERT_NEAR(c.drift[i], wanted.drift[i], 5e-6);
  }
  EXPECT_GT(compared, 50);
}

/* What is not needed for a report or a decision changes nothing. */
TEST(Rules, ReportsChangeNoDecision) {
  std::mt19937 random(6);
  for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    for (int32_t number = 0; number < 200; ++number) {
      StepCase c(40, 5, 2);
      c.randomise(random, 1.5f, 1);
      c.spec.rule = rule;
      c.omega = {2, 1.4f, 1, 0.6f, 1.1f};
      for (uint64_t& seed : c.seeds) seed = random();
      ASSERT_EQ(c.open(), COOLSD_OK);
      ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
      ASSERT_EQ(c.verify(), COOLSD_OK);
      const std::vector<int32_t> with = c.tokens;
      c.reports = false;
      ASSERT_EQ(c.verify(), COOLSD_OK);
      ASSERT_EQ(c.tokens, with);
    }
  }
}

/*
 * The first token that a block emits has the law Phat_1, drafts drawn from Q: chi-square with 15 degrees of freedom,
 * whose upper tail at 60 is 2e-7. The wrong law P gives thousands. Lengths are those of token verification or more.
 */
TEST(Rules, ABlockEmitsTheRelaxedLaw) {
  constexpr int32_t kTokens = 16, kBatch = 100, kCalls = 1000;
  for (float omega : {1.0f, 1.6f}) {
    std::mt19937 random(7);
    StepCase c(kTokens, 3, kBatch);
    c.randomise(random, 1, 1);
    for (int32_t b = 1; b < kBatch; ++b) {
      std::copy_n(c.target_row(0, 0), (c.l + 1) * kTokens, c.target_row(b, 0));
      std::copy_n(c.draft_row(0, 0), c.l * kTokens, c.draft_row(b, 0));
    }
    c.omega.assign(3, omega);
    int64_t lengths[2] = {0, 0};
    std::vector<double> counts(kTokens), counts_of_lossless(kTokens);
    for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
      c.spec.rule = rule;
      ASSERT_EQ(c.open(), COOLSD_OK);
      for (int32_t call = 0; call < kCalls; ++call) {
        for (uint64_t& seed : c.seeds) seed = random();
        ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
        ASSERT_EQ(c.verify(), COOLSD_OK);
        for (int32_t b = 0; b < kBatch; ++b) {
          lengths[rule == COOLSD_RULE_BLOCK] += c.accepted[size(b)];
          if (rule == COOLSD_RULE_BLOCK) ++counts[size(c.tokens[size(b * (c.l + 1))])];
        }
      }
    }
    EXPECT_GT(lengths[1], lengths[0]) << omega;
    const Distribution p = distribution(c.target_row(0, 0), kTokens, c.spec.target);
    const Distribution q = distribution(c.draft_row(0, 0), kTokens, c.spec.draft);
    double taken = 0, rest = 0, chi = 0, chi_of_target = 0;
    const double factor = static_cast<double>(omega);
    for (size_t t = 0; t < kTokens; ++t) {
      taken += std::min(q[t], factor * p[t]);
      rest += std::max(p[t] - q[t], 0.0);
    }
    for (size_t t = 0; t < kTokens; ++t) {
      const double phat = std::min(q[t], factor * p[t]) + (1 - taken) * std::max(p[t] - q[t], 0.0) / rest;
      constexpr double kAll = 1.0 * kBatch * kCalls;
      chi += std::pow(counts[t] - kAll * phat, 2) / (kAll * phat);
      chi_of_target += std::pow(counts[t] - kAll * p[t], 2) / (kAll * p[t]);
    }
    EXPECT_LT(chi, 60) << omega;
    if (omega > 1) {
      EXPECT_GT(chi_of_target, 1000);
    }
  }
}

/* The drift is never above the budget, in double too, and the factor is the largest but for the width of a bin. */
TEST(Factors, ABudgetIsSpentAndNotExceeded) {
  std::mt19937 random(8);
  int32_t at_cap = 0, spent = 0;
  for (int32_t number = 0; number < 4000; ++number) {
    const int32_t vocab = number % 50 == 0 ? 5000 : 2 + static_cast<int32_t>(random() % 60);
    StepCase c(vocab, 1);
    c.randomise(random, 1.5f, 1);
    if (number % 3 == 0) c.spec.target = random_sampling(random, vocab);
    if (number % 3 == 1) c.spec.draft = random_sampling(random, vocab);
    c.spec.rule = number % 2 == 0 ? COOLSD_RULE_RELAXED : COOLSD_RULE_BLOCK;
    c.spec.factors = COOLSD_FACTORS_BUDGET;
    const float budgets[] = {0, 1e-4f, 0.01f, 0.05f, 0.3f, 1}, caps[] = {0.5f, 1, 1.5f, 3, 1e6f};
    c.spec.drift_budget = budgets[random() % 6];
    c.omega[0] = caps[random() % 5];
    if (number % 5 == 0) c.budgets = {budgets[random() % 6]};
    c.seeds[0] = random();
    ASSERT_EQ(c.open(), COOLSD_OK) << coolsd_last_error();
    ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
    ASSERT_EQ(c.verify(), COOLSD_OK);
    ASSERT_EQ(c.status[0], COOLSD_ROW_OK);
    const double budget = static_cast<double>(c.budgets.empty() ? c.spec.drift_budget : c.budgets[0]);
    const double omega = static_cast<double>(c.factors[0]), cap = std::max(1.0, static_cast<double>(c.omega[0]));
    const Distribution p = distribution(c.target_row(0, 0), vocab, c.spec.target);
    const Distribution q = distribution(c.draft_row(0, 0), vocab, c.spec.draft);
    ASSERT_TRUE(omega >= 1 && omega <= cap) << omega;
    ASSERT_LE(c.drift[0], budget);
    ASSERT_LE(drift_of(p, q, omega, 0), budget + 1e-15);
    if (budget == 0) {
      ASSERT_EQ(omega, 1);
    }
    at_cap += omega == cap;
    if (omega < cap && budget > 0.001) {
      /* A sixteenth more would be too much. */
      ASSERT_GT(drift_of(p, q, 1 + (omega - 1) * 1.0001 + omega / 16, 0), budget - 2.1 * kBudgetMargin);
      ++spent;
    }
    /* What is reported is what was used. */
    const std::vector<int32_t> tokens = c.tokens;
    const std::vector<double> drift = c.drift;
    c.spec.factors = COOLSD_FACTORS_GIVEN;
    c.spec.drift_budget = 0;
    c.budgets.clear();
    c.omega[0] = c.factors[0];
    ASSERT_EQ(c.open(), COOLSD_OK) << coolsd_last_error();
    ASSERT_EQ(c.verify(), COOLSD_OK);
    ASSERT_EQ(c.tokens, tokens);
    ASSERT_EQ(c.drift, drift);
  }
  EXPECT_GT(at_cap, 500);
  EXPECT_GT(spent, 500);
}

TEST(Factors, ABinIsFoundByItsEdges) {
  for (int k = 0; k < kBudgetBins; ++k) {
    const float edge = static_cast<float>(budget_edge(k));
    EXPECT_EQ(budget_bin(0.25f, edge * 0.25f), k);
    EXPECT_EQ(budget_bin(1, std::nextafter(edge, 0.0f)), std::max(k - 1, 0));
  }
  EXPECT_EQ(budget_bin(1e-30f, 1e30f), kBudgetBins - 1);
}

TEST(Factors, ByEntropy) {
  std::mt19937 random(9);
  for (int32_t number = 0; number < 1000; ++number) {
    const int32_t vocab = number % 50 == 0 ? 5000 : 2 + static_cast<int32_t>(random() % 60);
    StepCase c(vocab, 1);
    c.randomise(random, number % 2 == 0 ? 0.5f : 4, 1);
    if (number % 3 == 0) c.spec.target = random_sampling(random, vocab);
    if (number % 7 == 0) c.target_row(0, 0)[random() % size(vocab)] = -INFINITY;
    c.spec.rule = number % 2 == 0 ? COOLSD_RULE_RELAXED : COOLSD_RULE_BLOCK;
    c.spec.factors = COOLSD_FACTORS_ENTROPY;
    c.omega[0] = number % 5 == 0 ? 0.5f : 3;
    ASSERT_EQ(c.open(), COOLSD_OK);
    ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
    ASSERT_EQ(c.verify(), COOLSD_OK);
    if (c.status[0] == COOLSD_ROW_EMPTY) continue;
    const int32_t window = c.spec.target.window_hi == 0 ? vocab : c.spec.target.window_hi - c.spec.target.window_lo;
    const Distribution p = distribution(c.target_row(0, 0), vocab, c.spec.target);
    ASSERT_NEAR(static_cast<double>(c.factors[0]),
                1 + (static_cast<double>(c.omega[0]) - 1) * relative_entropy(p, window), 3e-6);
  }
}

}  // namespace
}  // namespace coolsd::test
