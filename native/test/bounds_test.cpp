/*
 * Every loop of the CPU backend on rows that end where their memory ends, for AddressSanitizer to watch: vocabularies
 * around the sizes of vectors and blocks, every element type, unaligned starts, guidance, cut-offs, LANTERN, reports.
 */
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "coolsd.h"

namespace {

size_t size(int64_t n) { return static_cast<size_t>(n); }

/* Rows of small integers, exact in every type, in a heap block without slack behind them. */
struct Rows {
  Rows(int32_t rows, int32_t vocab, int32_t dtype, uint32_t seed) : bytes(dtype == COOLSD_F32 ? 4 : 2) {
    const int64_t n = int64_t{rows} * vocab;
    memory.reset(new char[size(n * bytes)]);
    for (int64_t i = 0; i < n; ++i) {
      seed = seed * 1664525u + 1013904223u;
      const uint32_t power = (seed >> 24) % 4; /* 1, 2, 4 or 8 */
      if (dtype == COOLSD_F32) {
        const float value = static_cast<float>(1u << power);
        std::memcpy(&memory[size(4 * i)], &value, 4);
      } else {
        const uint32_t exponent = dtype == COOLSD_F16 ? (15 + power) << 10 : (127 + power) << 7;
        const uint16_t value = static_cast<uint16_t>(exponent);
        std::memcpy(&memory[size(2 * i)], &value, 2);
      }
    }
    view = {memory.get(), n, vocab, dtype};
  }
  int32_t bytes;
  std::unique_ptr<char[]> memory;
  coolsd_logits view;
};

void run(int32_t vocab, int32_t dtype, bool guided, int32_t top_k, float top_p, bool with_lantern,
         coolsd_rule rule = COOLSD_RULE_BY_POINTER, coolsd_factors factors = COOLSD_FACTORS_GIVEN) {
  constexpr int32_t kLength = 2;
  const std::vector<float> omega(kLength, with_lantern ? 1.0f : 1.5f);
  const coolsd_sampling sampling = {sizeof(coolsd_sampling), 0.7f, 2.0f, top_k, top_p, 0, 0};
  std::vector<int32_t> neighbours(size(vocab));
  for (int32_t v = 0; v < vocab; ++v) neighbours[size(v)] = (v + 1) % vocab;
  const coolsd_lantern lantern = {sizeof lantern, neighbours.data(), 1, COOLSD_LANTERN, 0.1f, COOLSD_RESIDUAL_OPTIMAL};
  coolsd_verifier_spec spec = {sizeof spec,  COOLSD_CPU, vocab,    kLength,
                               omega.data(), sampling,   sampling, with_lantern ? &lantern : nullptr};
  spec.rule = rule;
  spec.factors = factors;
  if (factors == COOLSD_FACTORS_BUDGET) spec.drift_budget = 0.05f;
  coolsd_verifier* verifier = nullptr;
  ASSERT_EQ(coolsd_verifier_create(&spec, &verifier), COOLSD_OK);
  const Rows target(kLength + 1, vocab, dtype, 1), target_uncond(kLength + 1, vocab, dtype, 2);
  const Rows draft(kLength, vocab, dtype, 3), draft_uncond(kLength, vocab, dtype, 4);
  const coolsd_logits none = {nullptr, 0, 0, 0};
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const uint64_t position = 5;
    std::vector<int32_t> draft_tokens(kLength), tokens(kLength + 1), accepted(1), status(1);
    std::vector<double> drift(kLength), ratio(kLength + 1), log_prob(kLength + 1);
    std::vector<coolsd_normaliser> normalisers(kLength);
    for (int32_t i = 0; i < kLength; ++i) {
      const uint64_t at = position + static_cast<uint64_t>(i);
      coolsd_logits row = draft.view, uncond = guided ? draft_uncond.view : none;
      row.data = static_cast<const char*>(row.data) + int64_t{i} * vocab * draft.bytes;
      if (guided) uncond.data = static_cast<const char*>(uncond.data) + int64_t{i} * vocab * draft.bytes;
      const coolsd_sample_args sample = {
          sizeof sample,        1, row, uncond, COOLSD_DRAFT, &seed, &at, &draft_tokens[size(i)], status.data(),
          &normalisers[size(i)]};
      ASSERT_EQ(coolsd_sample(verifier, &sample), COOLSD_OK);
      ASSERT_EQ(status[0], COOLSD_ROW_OK);
    }
    const coolsd_verify_args args = {sizeof args,
                                     1,
                                     target.view,
                                     guided ? target_uncond.view : none,
                                     draft.view,
                                     guided ? draft_uncond.view : none,
                                     draft_tokens.data(),
                                     nullptr,
                                     &seed,
                                     &position,
                                     tokens.data(),
                                     accepted.data(),
                                     status.data(),
                                     seed % 2 == 0 ? normalisers.data() : nullptr,
                                     drift.data(),
                                     ratio.data(),
                                     log_prob.data()};
    ASSERT_EQ(coolsd_verify(verifier, &args), COOLSD_OK);
    ASSERT_EQ(status[0], COOLSD_ROW_OK) << coolsd_last_error();
    for (int32_t i = 0; i <= accepted[0]; ++i) {
      EXPECT_TRUE(tokens[size(i)] >= 0 && tokens[size(i)] < vocab);
      EXPECT_TRUE(std::isfinite(ratio[size(i)]) && log_prob[size(i)] <= 1e-12);
    }
  }
  coolsd_verifier_destroy(verifier);
}

TEST(Bounds, NothingIsReadOrWrittenBeyondTheRows) {
  std::vector<int32_t> vocabularies = {2047, 2048, 2049, 4096, 4101};
  for (int32_t v = 2; v <= 70; ++v) vocabularies.push_back(v);
  for (int32_t vocab : vocabularies) {
    for (int32_t dtype : {COOLSD_F32, COOLSD_F16, COOLSD_BF16}) {
      for (bool guided : {false, true}) {
        run(vocab, dtype, guided, 0, 1, false);
        run(vocab, dtype, guided, (vocab + 1) / 2, 1, false);
        run(vocab, dtype, guided, 0, 0.8f, false);
        run(vocab, dtype, guided, vocab - 1, 0.5f, vocab <= 70);
        run(vocab, dtype, guided, 0, 1, false, COOLSD_RULE_BLOCK);
        run(vocab, dtype, guided, (vocab + 1) / 2, 1, false, COOLSD_RULE_BLOCK, COOLSD_FACTORS_BUDGET);
        run(vocab, dtype, guided, 0, 1, false, COOLSD_RULE_RELAXED, COOLSD_FACTORS_ENTROPY);
      }
    }
  }
}

TEST(Bounds, TheLargestVocabularyWorks) {
  run(1 << 20, COOLSD_F32, false, 0, 1, false);
  run(1 << 20, COOLSD_BF16, false, 2000, 0.9f, false);
}

TEST(Bounds, ARowThatChangedAfterSamplingIsRefused) {
  const float omega = 1;
  const coolsd_sampling sampling = {sizeof(coolsd_sampling), 1, 1, 0, 1, 0, 0};
  const coolsd_verifier_spec spec = {sizeof spec, COOLSD_CPU, 4, 1, &omega, sampling, sampling, nullptr};
  coolsd_verifier* verifier = nullptr;
  ASSERT_EQ(coolsd_verifier_create(&spec, &verifier), COOLSD_OK);
  const float target[8] = {0, 0, 0, 0, 0, 0, 0, 0}, draft[4] = {0, 9, 0, 0};
  const uint64_t seed = 1, position = 1;
  const int32_t token = 1;
  int32_t tokens[2], accepted, status;
  coolsd_verify_args args = {};
  args.struct_size = sizeof args;
  args.batch = 1;
  args.target = {target, 8, 4, COOLSD_F32};
  args.draft = {draft, 4, 4, COOLSD_F32};
  args.draft_tokens = &token;
  args.seeds = &seed;
  args.positions = &position;
  args.tokens = tokens;
  args.accepted = &accepted;
  args.status = &status;
  for (const coolsd_normaliser& wrong :
       {coolsd_normaliser{4, 0, -INFINITY, 0, 0}, coolsd_normaliser{0, 9, -INFINITY, 0, 0},
        coolsd_normaliser{NAN, 9, -INFINITY, 0, 0}, coolsd_normaliser{1, NAN, -INFINITY, 0, 0}}) {
    args.draft_normalisers = &wrong;
    ASSERT_EQ(coolsd_verify(verifier, &args), COOLSD_OK);
    EXPECT_EQ(status, COOLSD_ROW_NORMALISER);
    EXPECT_EQ(tokens[0], -1);
  }
  coolsd_verifier_destroy(verifier);
}

}  // namespace
