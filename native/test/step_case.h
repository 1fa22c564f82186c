/* A verification of f32 rows to play with: inputs and outputs in vectors, every output asked for. */
#ifndef COOLSD_NATIVE_TEST_STEP_CASE_H
#define COOLSD_NATIVE_TEST_STEP_CASE_H

#include <cstdint>
#include <random>
#include <vector>

#include "coolsd.h"

namespace coolsd::test {

inline size_t size(int64_t n) { return static_cast<size_t>(n); }

inline coolsd_sampling plain() {
  coolsd_sampling sampling;
  coolsd_sampling_init(&sampling);
  return sampling;
}

struct StepCase {
  StepCase(int32_t vocab, int32_t draft_length, int32_t batch_size = 1)
      : v(vocab), l(draft_length), batch(batch_size), omega(size(l), 1.0f) {
    spec.struct_size = sizeof spec;
    spec.vocab = v;
    spec.draft_length = l;
    spec.target = spec.draft = plain();
    target.resize(size(int64_t{batch} * (l + 1) * v));
    draft.resize(size(int64_t{batch} * l * v));
    draft_tokens.resize(size(batch * l));
    tokens.resize(size(batch * (l + 1)), -7);
    accepted.resize(size(batch), -7);
    status.resize(size(batch), -7);
    drift.resize(size(batch * l), -7);
    factors.resize(size(batch * l), -7);
    ratio.resize(size(batch * (l + 1)), -7);
    log_prob.resize(size(batch * (l + 1)), -7);
    for (int32_t b = 0; b < batch; ++b) {
      seeds.push_back(static_cast<uint64_t>(b) + 7);
      positions.push_back(static_cast<uint64_t>(b) * 3);
    }
  }
  ~StepCase() { coolsd_verifier_destroy(verifier); }
  StepCase(const StepCase&) = delete;
  StepCase& operator=(const StepCase&) = delete;

  float* target_row(int32_t b, int32_t i) { return &target[size((int64_t{b} * (l + 1) + i) * v)]; }
  float* draft_row(int32_t b, int32_t i) { return &draft[size((int64_t{b} * l + i) * v)]; }

  /* Normal logits; the draft's are the target's and a difference. */
  void randomise(std::mt19937& random, float deviation, float difference) {
    std::normal_distribution<float> normal;
    for (float& x : target) x = deviation * normal(random);
    for (int32_t b = 0; b < batch; ++b) {
      for (int32_t i = 0; i < l; ++i) {
        for (int32_t t = 0; t < v; ++t) draft_row(b, i)[t] = target_row(b, i)[t] + difference * normal(random);
      }
    }
  }

  coolsd_status open() {
    coolsd_verifier_destroy(verifier);
    verifier = nullptr;
    spec.omega = omega.data();
    return coolsd_verifier_create(&spec, &verifier);
  }

  /* Draws every draft token from its row, and keeps the normalisers. */
  coolsd_status sample_drafts() {
    normalisers.resize(draft_tokens.size());
    for (int32_t b = 0; b < batch; ++b) {
      for (int32_t i = 0; i < l; ++i) {
        const uint64_t position = positions[size(b)] + static_cast<uint64_t>(i);
        int32_t row_status = 0;
        coolsd_sample_args a{};
        a.struct_size = sizeof a;
        a.batch = 1;
        a.logits = {draft_row(b, i), v, v, COOLSD_F32};
        a.purpose = COOLSD_DRAFT;
        a.seeds = &seeds[size(b)];
        a.positions = &position;
        a.tokens = &draft_tokens[size(b * l + i)];
        a.status = &row_status;
        a.normalisers = &normalisers[size(b * l + i)];
        if (!draft_samplings.empty()) a.sampling = &draft_samplings[size(b)];
        if (coolsd_status called = coolsd_sample(verifier, &a); called != COOLSD_OK) return called;
      }
    }
    return COOLSD_OK;
  }

  coolsd_verify_args arguments() {
    coolsd_verify_args a{};
    a.struct_size = sizeof a;
    a.batch = batch;
    a.target = {target.data(), int64_t{l + 1} * v, v, COOLSD_F32};
    a.draft = {draft.data(), int64_t{l} * v, v, COOLSD_F32};
    a.draft_tokens = draft_tokens.data();
    if (!lengths.empty()) a.draft_lengths = lengths.data();
    a.seeds = seeds.data();
    a.positions = positions.data();
    a.tokens = tokens.data();
    a.accepted = accepted.data();
    a.status = status.data();
    if (!normalisers.empty()) a.draft_normalisers = normalisers.data();
    const bool law = spec.lantern == nullptr || spec.lantern->residual == COOLSD_RESIDUAL_OPTIMAL;
    if (law && reports) a.drift = drift.data();
    if (law && reports) a.ratio = ratio.data();
    if (reports) a.log_prob = log_prob.data();
    if (reports) a.factors = factors.data();
    if (!omegas.empty()) a.omega = omegas.data();
    if (!budgets.empty()) a.drift_budget = budgets.data();
    if (!target_samplings.empty()) a.target_sampling = target_samplings.data();
    if (!draft_samplings.empty()) a.draft_sampling = draft_samplings.data();
    return a;
  }

  coolsd_status verify() {
    const coolsd_verify_args a = arguments();
    return coolsd_verify(verifier, &a);
  }

  int32_t v, l, batch;
  std::vector<float> omega;
  coolsd_verifier_spec spec{};
  coolsd_verifier* verifier = nullptr;
  bool reports = true;
  std::vector<float> target, draft;
  std::vector<int32_t> draft_tokens, lengths;
  std::vector<uint64_t> seeds, positions;
  std::vector<coolsd_normaliser> normalisers; /* and those that follow: empty is not given */
  std::vector<float> omegas, budgets;
  std::vector<coolsd_sampling> target_samplings, draft_samplings;
  std::vector<int32_t> tokens, accepted, status;
  std::vector<double> drift, ratio, log_prob;
  std::vector<float> factors;
};

}  // namespace coolsd::test

#endif
