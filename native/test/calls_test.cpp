/* What a call may say: structs of any version, rules, and the settings that each sequence brings along. */
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "allocations.h"
#include "step_case.h"

namespace coolsd::test {
namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

bool contains(const char* words, const std::string& part) { return std::string(words).find(part) != std::string::npos; }

StepCase& ready(StepCase& c, coolsd_rule rule = COOLSD_RULE_RELAXED) {
  std::mt19937 random(1);
  c.randomise(random, 1.5f, 1);
  c.spec.rule = rule;
  EXPECT_EQ(c.open(), COOLSD_OK) << coolsd_last_error();
  EXPECT_EQ(c.sample_drafts(), COOLSD_OK);
  return c;
}

/*
 * A struct of every size: whole in a block of exactly that many bytes, so that AddressSanitizer sees a byte too many,
 * its members as in `full` and zero behind.
 */
template <typename T>
void try_sizes(const T& full, size_t first, const std::function<coolsd_status(const T*)>& call) {
  for (size_t bytes : {first, sizeof(T), sizeof(T) + 24}) {
    const std::unique_ptr<char[]> memory(new char[bytes]());
    std::memcpy(memory.get(), &full, std::min(bytes, sizeof full));
    std::memcpy(memory.get(), &bytes, sizeof bytes);
    const T* given = reinterpret_cast<const T*>(memory.get());
    EXPECT_EQ(call(given), COOLSD_OK) << bytes << ": " << coolsd_last_error();
    if (bytes <= sizeof(T)) continue;
    for (size_t at : {sizeof(T), bytes - 1}) {
      memory[at] = 1;
      EXPECT_EQ(call(given), COOLSD_INVALID_ARGUMENT) << bytes;
      EXPECT_TRUE(contains(coolsd_last_error(), "newer")) << coolsd_last_error();
      memory[at] = 0;
    }
  }
  for (size_t bytes : {size_t{0}, first - 1, std::numeric_limits<size_t>::max()}) {
    T small = full;
    small.struct_size = bytes;
    EXPECT_EQ(call(&small), COOLSD_INVALID_ARGUMENT) << bytes;
    EXPECT_TRUE(contains(coolsd_last_error(), "struct_size is " + std::to_string(bytes))) << coolsd_last_error();
  }
}

TEST(Calls, StructsOfEveryVersionAreTaken) {
  StepCase c(11, 2);
  ready(c);
  try_sizes<coolsd_verifier_spec>(c.spec, offsetof(coolsd_verifier_spec, rule), [](const coolsd_verifier_spec* spec) {
    coolsd_verifier* made = nullptr;
    const coolsd_status status = coolsd_verifier_create(spec, &made);
    EXPECT_EQ(made == nullptr, status != COOLSD_OK);
    coolsd_verifier_destroy(made);
    return status;
  });
  const coolsd_verify_args verify = c.arguments();
  try_sizes<coolsd_verify_args>(verify, offsetof(coolsd_verify_args, omega),
                                [&](const coolsd_verify_args* args) { return coolsd_verify(c.verifier, args); });
  const uint64_t seed = 1, position = 2;
  int32_t token, status;
  coolsd_sample_args sample{};
  sample.struct_size = sizeof sample;
  sample.batch = 1;
  sample.logits = {c.target.data(), 11, 11, COOLSD_F32};
  sample.purpose = COOLSD_BONUS;
  sample.seeds = &seed;
  sample.positions = &position;
  sample.tokens = &token;
  sample.status = &status;
  try_sizes<coolsd_sample_args>(sample, offsetof(coolsd_sample_args, sampling),
                                [&](const coolsd_sample_args* args) { return coolsd_sample(c.verifier, args); });
  std::vector<int32_t> neighbours(11);
  for (int32_t v = 0; v < 11; ++v) neighbours[size(v)] = (v + 1) % 11;
  const coolsd_lantern lantern = {sizeof lantern, neighbours.data(), 1, COOLSD_LANTERN, 0.1f, COOLSD_RESIDUAL_OPTIMAL};
  try_sizes<coolsd_lantern>(lantern, sizeof lantern, [&](const coolsd_lantern* table) {
    coolsd_verifier_spec spec = c.spec;
    spec.rule = COOLSD_RULE_BY_POINTER;
    spec.lantern = table;
    coolsd_verifier* made = nullptr;
    const coolsd_status created = coolsd_verifier_create(&spec, &made);
    coolsd_verifier_destroy(made);
    return created;
  });
}

/* A caller of 0.1 leaves what it does not know unset: nothing behind its size counts. */
TEST(Calls, WhatLiesBehindAShortStructIsNotLookedAt) {
  StepCase c(11, 2);
  ready(c);
  coolsd_verify_args args = c.arguments();
  ASSERT_EQ(coolsd_verify(c.verifier, &args), COOLSD_OK);
  const std::vector<int32_t> tokens = c.tokens;
  args.struct_size = offsetof(coolsd_verify_args, omega);
  std::memset(reinterpret_cast<char*>(&args) + args.struct_size, 0xAB, sizeof args - args.struct_size);
  ASSERT_EQ(coolsd_verify(c.verifier, &args), COOLSD_OK) << coolsd_last_error();
  EXPECT_EQ(c.tokens, tokens);
}

TEST(Calls, SamplingInitKeepsEverything) {
  coolsd_sampling s;
  std::memset(&s, 0xAB, sizeof s);
  coolsd_sampling_init(&s);
  EXPECT_EQ(s.struct_size, sizeof s);
  EXPECT_EQ(s.temperature, 1);
  EXPECT_EQ(s.guidance, 1);
  EXPECT_EQ(s.top_k, 0);
  EXPECT_EQ(s.top_p, 1);
  EXPECT_EQ(s.window_lo, 0);
  EXPECT_EQ(s.window_hi, 0);
  coolsd_sampling_init(nullptr);
}

TEST(Calls, RulesThatDoNotGoTogetherAreRefusedWithTheirValue) {
  std::vector<int32_t> neighbours(11, 1);
  const coolsd_lantern table = {sizeof table, neighbours.data(), 1, COOLSD_LANTERN, 0.1f, COOLSD_RESIDUAL_LANTERN};
  using Change = std::function<void(coolsd_verifier_spec&)>;
  const struct {
    Change change;
    const char* words;
  } refused[] = {
      {[](auto& s) { s.rule = 4; }, "spec.rule is 4, not a coolsd_rule"},
      {[](auto& s) { s.rule = -1; }, "spec.rule is -1, not a coolsd_rule"},
      {[](auto& s) { s.factors = 3; }, "spec.factors is 3, not a coolsd_factors"},
      {[](auto& s) { s.rule = COOLSD_RULE_LANTERN; },
       "spec.lantern is NULL, with COOLSD_RULE_LANTERN it must be given"},
      {[&](auto& s) { s.rule = COOLSD_RULE_BLOCK, s.lantern = &table; },
       "spec.lantern is given and spec.rule is 3, it must be COOLSD_RULE_LANTERN (2)"},
      {[&](auto& s) { s.rule = COOLSD_RULE_RELAXED, s.lantern = &table; },
       "spec.lantern is given and spec.rule is 1, it must be COOLSD_RULE_LANTERN (2)"},
      {[&](auto& s) { s.lantern = &table, s.factors = COOLSD_FACTORS_BUDGET; },
       "spec.factors is 1, with LANTERN's rule it must be COOLSD_FACTORS_GIVEN (0)"},
      {[&](auto& s) { s.lantern = &table, s.affine = 0.5f; },
       "spec.affine is 0.5 and spec.rule is 2, it must be COOLSD_RULE_RELAXED (1)"},
      {[](auto& s) { s.rule = COOLSD_RULE_BLOCK, s.affine = 0.5f; },
       "spec.affine is 0.5 and spec.rule is 3, it must be COOLSD_RULE_RELAXED (1)"},
      {[](auto& s) { s.affine = -1; }, "spec.affine is -1, it must be finite and at least 0"},
      {[](auto& s) { s.affine = kInf; }, "spec.affine is inf, it must be finite and at least 0"},
      {[](auto& s) { s.affine = 0.5f, s.factors = COOLSD_FACTORS_BUDGET; },
       "spec.affine is 0.5, with COOLSD_FACTORS_BUDGET it must be 0"},
      {[](auto& s) { s.factors = COOLSD_FACTORS_BUDGET, s.drift_budget = -0.5f; },
       "spec.drift_budget is -0.5, it must be finite and at least 0"},
      {[](auto& s) { s.drift_budget = 0.5f; },
       "spec.drift_budget is 0.5 and spec.factors is 0, it must be COOLSD_FACTORS_BUDGET (1)"},
      {[](auto& s) { s.target.struct_size = 4; }, "spec.target.struct_size is 4, it must be 32"},
  };
  for (const auto& one : refused) {
    StepCase c(11, 2);
    one.change(c.spec);
    EXPECT_EQ(c.open(), COOLSD_INVALID_ARGUMENT);
    EXPECT_STREQ(coolsd_last_error(), one.words);
  }
}

TEST(Calls, WrongCallsAreRefusedWithTheirValue) {
  using Change = std::function<void(coolsd_verify_args&)>;
  const float ones[2] = {1, 1};
  const struct {
    Change change;
    const char* words;
  } refused[] = {
      {[](auto& a) { a.batch = 0; }, "args.batch is 0, it must be at least 1"},
      {[](auto& a) { a.seeds = nullptr; }, "args.seeds is NULL"},
      {[](auto& a) { a.target.dtype = 3; }, "args.target.dtype is 3, not a coolsd_dtype"},
      {[](auto& a) { a.inputs_on_host = 1; }, "args.inputs_on_host is 1, it must be 0 on the CPU"},
      {[](auto& a) { a.reserved = 5; }, "args.reserved is 5, it must be 0"},
      {[&](auto& a) { a.drift_budget = ones; },
       "args.drift_budget is given and the verifier's factors are 0, they must be COOLSD_FACTORS_BUDGET (1)"},
  };
  for (const auto& one : refused) {
    StepCase c(11, 2);
    ready(c);
    coolsd_verify_args args = c.arguments();
    one.change(args);
    EXPECT_EQ(coolsd_verify(c.verifier, &args), COOLSD_INVALID_ARGUMENT);
    EXPECT_STREQ(coolsd_last_error(), one.words);
  }
}

/* The three sequences of a batch, the second with something wrong: its status, and the others' tokens as without it. */
TEST(Calls, WhatIsWrongWithOneSequenceIsItsStatus) {
  const coolsd_sampling hot = [] {
    coolsd_sampling s = plain();
    s.temperature = -1;
    return s;
  }();
  coolsd_sampling outside = plain();
  outside.window_hi = 14;
  coolsd_sampling unset = plain();
  unset.struct_size = 0;
  using Change = std::function<void(StepCase&)>;
  const struct {
    Change change;
    coolsd_row_status status;
  } wrong[] = {
      {[](auto& c) { c.lengths[1] = 3; }, COOLSD_ROW_DRAFT_LENGTH},
      {[](auto& c) { c.lengths[1] = -1; }, COOLSD_ROW_DRAFT_LENGTH},
      {[](auto& c) { c.lengths[1] = std::numeric_limits<int32_t>::min(); }, COOLSD_ROW_DRAFT_LENGTH},
      {[&](auto& c) { c.target_samplings[1] = hot; }, COOLSD_ROW_SAMPLING},
      {[&](auto& c) { c.draft_samplings[1] = outside; }, COOLSD_ROW_SAMPLING},
      {[&](auto& c) { c.draft_samplings[1] = unset; }, COOLSD_ROW_SAMPLING},
      {[](auto& c) { c.omegas[2] = -1; }, COOLSD_ROW_FACTOR},
      {[](auto& c) { c.omegas[3] = kNan; }, COOLSD_ROW_FACTOR},
      {[](auto& c) { c.omegas[3] = kInf; }, COOLSD_ROW_FACTOR},
      {[](auto& c) { c.budgets[2] = -1; }, COOLSD_ROW_FACTOR},
      {[](auto& c) { c.budgets[2] = kNan; }, COOLSD_ROW_FACTOR},
      {[](auto& c) { c.draft_tokens[2] = 13; }, COOLSD_ROW_TOKEN_OUT_OF_RANGE},
      /* Of two the one that is judged first. */
      {[](auto& c) { c.lengths[1] = 3, c.omegas[2] = -1; }, COOLSD_ROW_DRAFT_LENGTH},
      {[&](auto& c) { c.target_samplings[1] = hot, c.omegas[2] = -1; }, COOLSD_ROW_SAMPLING},
      {[](auto& c) { c.draft_tokens[2] = 13, c.omegas[2] = -1; }, COOLSD_ROW_FACTOR},
      {[](auto& c) { c.draft_tokens[3] = 13, c.target_row(1, 0)[0] = kNan; }, COOLSD_ROW_TOKEN_OUT_OF_RANGE},
      {[](auto& c) { c.target_row(1, 0)[0] = kNan; }, COOLSD_ROW_NAN},
      {[](auto& c) { c.normalisers[2].mass = 0; }, COOLSD_ROW_NORMALISER},
  };
  for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    for (const auto& one : wrong) {
      StepCase c(13, 2, 3);
      c.spec.factors = COOLSD_FACTORS_BUDGET;
      c.spec.drift_budget = 0.1f;
      c.omega = {2, 2};
      ready(c, rule);
      c.lengths = {2, 2, 2};
      c.omegas.assign(6, 2);
      c.budgets.assign(6, 0.1f);
      c.target_samplings.assign(3, plain());
      c.draft_samplings.assign(3, plain());
      ASSERT_EQ(c.verify(), COOLSD_OK);
      ASSERT_EQ(c.status, std::vector<int32_t>(3, COOLSD_ROW_OK));
      const std::vector<int32_t> good = c.tokens, accepted = c.accepted;
      one.change(c);
      ASSERT_EQ(c.verify(), COOLSD_OK);
      EXPECT_EQ(c.status, (std::vector<int32_t>{COOLSD_ROW_OK, one.status, COOLSD_ROW_OK}));
      EXPECT_EQ(c.accepted[1], 0);
      for (size_t i = 0; i < 9; ++i) EXPECT_EQ(c.tokens[i], i / 3 == 1 ? -1 : good[i]);
      for (size_t i = 2; i < 4; ++i) EXPECT_TRUE(c.drift[i] == 0 && c.factors[i] == 0);
      for (size_t i = 3; i < 6; ++i) EXPECT_TRUE(c.ratio[i] == 1 && c.log_prob[i] == 0);
    }
  }
}

/* Behind a sequence's own length nothing is looked at. */
TEST(Calls, WhatLiesBehindADraftIsNotLookedAt) {
  for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    StepCase c(13, 3);
    ready(c, rule);
    c.lengths = {1};
    c.omegas = {1.5f, kNan, -1};
    c.draft_tokens[1] = -9;
    c.normalisers[2].mass = kNan;
    for (int32_t i = 2; i < 4; ++i) std::fill_n(c.target_row(0, i), 13, kNan);
    for (int32_t i = 1; i < 3; ++i) std::fill_n(c.draft_row(0, i), 13, kNan);
    ASSERT_EQ(c.verify(), COOLSD_OK);
    EXPECT_EQ(c.status[0], COOLSD_ROW_OK);
  }
}

/* A batch of sequences with settings of their own gives each what a verifier with these settings gives it alone. */
TEST(Calls, SettingsOfASequenceAreThoseOfAVerifier) {
  std::mt19937 random(3);
  for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    StepCase c(50, 3, 6);
    c.spec.target.temperature = 9; /* of the verifier: must not be used */
    for (int32_t b = 0; b < c.batch; ++b) {
      coolsd_sampling target = plain(), draft = plain();
      target.temperature = 0.5f + 0.2f * static_cast<float>(b);
      target.top_k = b % 2 == 0 ? 0 : 20;
      target.window_lo = b;
      target.window_hi = 50 - b;
      draft.temperature = 1.3f;
      draft.top_p = b == 2 ? 0.7f : 1;
      c.target_samplings.push_back(target);
      c.draft_samplings.push_back(draft);
      for (int32_t i = 0; i < 3; ++i) c.omegas.push_back(0.6f + 0.4f * static_cast<float>(b));
    }
    ready(c, rule);
    ASSERT_EQ(c.verify(), COOLSD_OK);
    for (int32_t b = 0; b < c.batch; ++b) {
      StepCase alone(50, 3);
      alone.spec.rule = rule;
      alone.spec.target = c.target_samplings[size(b)];
      alone.spec.draft = c.draft_samplings[size(b)];
      alone.omega.assign(3, c.omegas[size(3 * b)]);
      alone.seeds[0] = c.seeds[size(b)];
      alone.positions[0] = c.positions[size(b)];
      std::copy_n(c.target_row(b, 0), 4 * 50, alone.target.data());
      std::copy_n(c.draft_row(b, 0), 3 * 50, alone.draft.data());
      ASSERT_EQ(alone.open(), COOLSD_OK);
      ASSERT_EQ(alone.sample_drafts(), COOLSD_OK);
      ASSERT_EQ(alone.verify(), COOLSD_OK);
      for (size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(alone.tokens[i], c.tokens[size(4 * b) + i]);
        EXPECT_EQ(alone.ratio[i], c.ratio[size(4 * b) + i]);
        EXPECT_EQ(alone.log_prob[i], c.log_prob[size(4 * b) + i]);
      }
      for (size_t i = 0; i < 3; ++i) EXPECT_EQ(alone.drift[i], c.drift[size(3 * b) + i]);
    }
  }
}

/* Packed, ragged and in another order, both halves, in memory that ends with the last row: the same tokens. */
TEST(Calls, OffsetsSayWhereASequenceIs) {
  for (int32_t dtype : {COOLSD_F32, COOLSD_BF16}) {
    for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
      constexpr int32_t kVocab = 37;
      const size_t element = dtype == COOLSD_F32 ? 4 : 2;
      StepCase c(kVocab, 3, 3), low(kVocab, 3, 3);
      c.spec.target.guidance = c.spec.draft.guidance = 1.5f;
      ready(c, rule);
      std::mt19937 random(4);
      low.randomise(random, 1, 1);
      c.normalisers.clear();
      c.lengths = {2, 0, 3};
      const std::vector<int32_t> order = {2, 0, 1};
      /* The bits of an element of the type, that of bf16 cut off. */
      const auto put = [&](std::vector<char>& memory, const float* row) {
        for (int32_t v = 0; v < kVocab; ++v) {
          const char* bytes = reinterpret_cast<const char*>(row + v);
          memory.insert(memory.end(), bytes + 4 - element, bytes + 4);
        }
      };
      std::vector<char> regular[4], packed[4];
      std::vector<int64_t> offsets[4];
      for (int32_t kind = 0; kind < 4; ++kind) {
        StepCase& from = kind % 2 == 0 ? c : low;
        const bool target = kind < 2;
        const size_t k = size(kind);
        offsets[k].resize(3);
        for (int32_t b = 0; b < 3; ++b) {
          for (int32_t i = 0; i < (target ? 4 : 3); ++i) {
            put(regular[k], target ? from.target_row(b, i) : from.draft_row(b, i));
          }
        }
        for (int32_t b : order) {
          offsets[k][size(b)] = static_cast<int64_t>(packed[k].size() / element);
          for (int32_t i = 0; i < c.lengths[size(b)] + target; ++i) {
            put(packed[k], target ? from.target_row(b, i) : from.draft_row(b, i));
          }
        }
        packed[k].shrink_to_fit();
      }
      coolsd_verify_args args = c.arguments();
      coolsd_logits* views[4] = {&args.target, &args.target_uncond, &args.draft, &args.draft_uncond};
      for (size_t k = 0; k < 4; ++k) *views[k] = {regular[k].data(), (k < 2 ? 4 : 3) * kVocab, kVocab, dtype};
      ASSERT_EQ(coolsd_verify(c.verifier, &args), COOLSD_OK) << coolsd_last_error();
      ASSERT_EQ(c.status, std::vector<int32_t>(3, COOLSD_ROW_OK));
      const std::vector<int32_t> tokens = c.tokens;
      const std::vector<double> ratio = c.ratio;
      const int64_t nowhere = int64_t{1} << 60;
      for (size_t k = 0; k < 4; ++k) *views[k] = {packed[k].data(), nowhere, kVocab, dtype};
      args.target_offsets = offsets[0].data();
      args.target_uncond_offsets = offsets[1].data();
      args.draft_offsets = offsets[2].data();
      args.draft_uncond_offsets = offsets[3].data();
      ASSERT_EQ(coolsd_verify(c.verifier, &args), COOLSD_OK) << coolsd_last_error();
      EXPECT_EQ(c.tokens, tokens);
      EXPECT_EQ(c.ratio, ratio);
    }
  }
}

/* A subset of a batch, each with a sampling: what each gives alone; a wrong one is its own matter. */
TEST(Calls, SamplingTakesASubsetWithSettings) {
  StepCase c(20, 0, 4);
  ready(c);
  const std::vector<int64_t> offsets = {60, 0, 20};
  std::vector<coolsd_sampling> samplings(3, plain());
  samplings[0].temperature = 0;
  samplings[1].top_k = -1;
  samplings[2].temperature = 2;
  std::vector<int32_t> tokens(3), status(3);
  std::vector<double> log_prob(3, -7);
  std::vector<coolsd_normaliser> normalisers(3);
  coolsd_sample_args a{};
  a.struct_size = sizeof a;
  a.batch = 3;
  a.logits = {c.target.data(), int64_t{1} << 60, 20, COOLSD_F32};
  a.purpose = COOLSD_BONUS;
  a.seeds = c.seeds.data();
  a.positions = c.positions.data();
  a.tokens = tokens.data();
  a.status = status.data();
  a.normalisers = normalisers.data();
  a.sampling = samplings.data();
  a.logits_offsets = offsets.data();
  a.log_prob = log_prob.data();
  ASSERT_EQ(coolsd_sample(c.verifier, &a), COOLSD_OK) << coolsd_last_error();
  EXPECT_EQ(status, (std::vector<int32_t>{COOLSD_ROW_OK, COOLSD_ROW_SAMPLING, COOLSD_ROW_OK}));
  EXPECT_EQ(tokens[0], std::max_element(c.target_row(3, 0), c.target_row(3, 0) + 20) - c.target_row(3, 0));
  EXPECT_EQ(log_prob[0], 0);
  EXPECT_EQ(tokens[1], -1);
  EXPECT_EQ(log_prob[1], 0);
  EXPECT_EQ(normalisers[1].mass, 0);
  double mass = 0;
  for (int32_t v = 0; v < 20; ++v) mass += std::exp(static_cast<double>(c.target_row(1, 0)[v]) / 2);
  EXPECT_NEAR(log_prob[2], static_cast<double>(c.target_row(1, 0)[tokens[2]]) / 2 - std::log(mass), 1e-6);
}

/* A call allocates nothing, whatever its rule; and memory that is refused is a status. */
TEST(Calls, AllocateNothingAndFailWithAStatus) {
  for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    StepCase c(5000, 3);
    c.spec.factors = COOLSD_FACTORS_BUDGET;
    c.spec.drift_budget = 0.1f;
    c.spec.draft.top_k = 100;
    c.omega = {2, 2, 2};
    ready(c, rule);
    const coolsd_verify_args args = c.arguments();
    const int64_t before = allocations();
    EXPECT_EQ(coolsd_verify(c.verifier, &args), COOLSD_OK);
    EXPECT_EQ(allocations(), before);
    int32_t failed = 0;
    for (int64_t which = 1;; ++which) {
      coolsd_verifier* made = nullptr;
      fail_allocation(which);
      const coolsd_status status = coolsd_verifier_create(&c.spec, &made);
      const bool all = failure_is_due();
      fail_allocation(0);
      coolsd_verifier_destroy(made);
      if (all) break;
      ++failed;
      EXPECT_EQ(status, COOLSD_OUT_OF_MEMORY);
      EXPECT_STREQ(coolsd_last_error(), "no memory");
      EXPECT_EQ(made, nullptr);
    }
    EXPECT_GT(failed, 5);
  }
}

/*
 * One rule for draft rows with normalisers: a row that a pass reads is judged whole, wherever the bad logit is and
 * whatever the law is; one that none reads at the drafted token only. A token that nobody drafts, outside the cut-off.
 */
TEST(Calls, ADraftRowThatIsReadIsJudgedWhole) {
  const struct {
    float value;
    coolsd_row_status status;
  } bad[] = {{kNan, COOLSD_ROW_NAN}, {-kNan, COOLSD_ROW_NAN}, {kInf, COOLSD_ROW_INFINITE}, {90, COOLSD_ROW_NORMALISER}};
  for (int32_t vocab : {8, 5003}) {
    std::vector<int32_t> neighbours(size(vocab));
    for (int32_t v = 0; v < vocab; ++v) neighbours[size(v)] = (v + 1) % vocab;
    for (int32_t kind = 0; kind < 5; ++kind) { /* plain, top-k, greedy, and LANTERN's two residuals */
      for (coolsd_rule rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
        if (kind >= 3 && rule == COOLSD_RULE_BLOCK) continue;
        const coolsd_lantern table = {sizeof table,
                                      neighbours.data(),
                                      1,
                                      COOLSD_LANTERN,
                                      0,
                                      kind == 3 ? COOLSD_RESIDUAL_LANTERN : COOLSD_RESIDUAL_OPTIMAL};
        StepCase c(vocab, 1);
        for (int32_t v = 0; v < vocab; ++v) {
          c.target_row(0, 0)[v] = 0.1f * static_cast<float>(v % 5);
          c.draft_row(0, 0)[v] = 0.2f * static_cast<float>(v % 7);
        }
        if (kind == 1) c.spec.draft.top_k = 3;
        if (kind == 2) c.spec.draft.temperature = 0;
        if (kind >= 3) c.spec.lantern = &table;
        c.spec.rule = kind >= 3 ? COOLSD_RULE_LANTERN : rule;
        c.omega[0] = kind >= 3 ? 1 : 2;
        ASSERT_EQ(c.open(), COOLSD_OK);
        ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
        if (kind == 3) {                          /* no reports: only a rejection reads the row */
          c.draft_tokens[0] = vocab == 8 ? 6 : 5; /* the likeliest for the drafter, not for the target */
        }
        const int32_t at = c.draft_tokens[0] == vocab - 1 ? vocab - 2 : vocab - 1;
        const float kept = c.draft_row(0, 0)[at];
        for (const auto& b : bad) {
          int32_t judged = 0, accepted = 0;
          for (uint64_t seed = 0; seed < 40; ++seed) {
            c.seeds[0] = seed;
            c.draft_row(0, 0)[at] = kept;
            ASSERT_EQ(c.verify(), COOLSD_OK);
            ASSERT_EQ(c.status[0], COOLSD_ROW_OK);
            const bool rejected = c.accepted[0] == 0;
            c.draft_row(0, 0)[at] = b.value;
            ASSERT_EQ(c.verify(), COOLSD_OK);
            const bool read = kind != 3 || rejected; /* else the drift is asked for */
            ASSERT_EQ(c.status[0], read ? b.status : COOLSD_ROW_OK) << vocab << " " << kind << " " << rule;
            judged += read;
            if (kind >= 3 || rule == COOLSD_RULE_BLOCK) continue;
            /* Without reports only a rejection reads it. */
            c.reports = false;
            ASSERT_EQ(c.verify(), COOLSD_OK);
            ASSERT_EQ(c.status[0], rejected ? b.status : COOLSD_ROW_OK);
            accepted += !rejected;
            c.reports = true;
          }
          EXPECT_GT(judged, 0);
          if (kind == 0 && rule == COOLSD_RULE_RELAXED) {
            EXPECT_GT(accepted, 0);
          }
        }
      }
    }
  }
}

/* A block does not read the draft's rows where omega is at most 1 and nothing is rejected. */
TEST(Calls, ABlockReadsADraftRowOnlyIfItMust) {
  StepCase c(8, 2);
  ready(c, COOLSD_RULE_BLOCK);
  int32_t untouched = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    c.seeds[0] = seed;
    ASSERT_EQ(c.sample_drafts(), COOLSD_OK);
    ASSERT_EQ(c.verify(), COOLSD_OK);
    if (c.accepted[0] < 2) continue;
    std::vector<float> kept = c.draft;
    for (int32_t i = 0; i < 2; ++i) {
      for (int32_t v = 0; v < 8; ++v) {
        if (v != c.draft_tokens[size(i)]) c.draft_row(0, i)[v] = kNan;
      }
    }
    ASSERT_EQ(c.verify(), COOLSD_OK);
    EXPECT_EQ(c.status[0], COOLSD_ROW_OK);
    EXPECT_EQ(c.accepted[0], 2);
    c.draft = kept;
    ++untouched;
  }
  EXPECT_GT(untouched, 5);
}

}  // namespace
}  // namespace coolsd::test
