#include "workload.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>

#include "bandwidth.h"
#include "row.h"

namespace coolsd::bench {

namespace {

size_t size(int64_t n) { return static_cast<size_t>(n); }

void check(coolsd_status status) {
  if (status != COOLSD_OK) throw std::runtime_error(coolsd_last_error());
}

/* The nearest values toward zero that f32, f16 and bf16 share; the smallest become 0. */
float shared(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits &= 0xFFFF0000u;
  std::memcpy(&x, &bits, sizeof bits);
  return std::fabs(x) < 0x1p-14f ? 0.0f : x;
}

void store(float x, int32_t dtype, char* to) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (dtype == COOLSD_F32) {
    std::memcpy(to, &bits, sizeof bits);
    return;
  }
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
  const uint32_t f16 = magnitude == 0 ? sign : sign | ((magnitude >> 13) - (112u << 10));
  const uint16_t half = static_cast<uint16_t>(dtype == COOLSD_BF16 ? bits >> 16 : f16);
  std::memcpy(to, &half, sizeof half);
}

}  // namespace

Workload::Workload(const Shape& shape) : shape_(shape) {
  fill();
  float omega[kLength], sum = 0;
  for (int32_t i = 0; i < kLength; ++i) sum += omega[i] = std::exp(-0.7f * static_cast<float>(i + 1));
  for (float& w : omega) w = shape.lossless ? 1 : w * 1.1f * kLength / sum;
  const coolsd_sampling sampling = {sizeof(coolsd_sampling), 1, 4, shape.top_k, 1, 0, 0};
  coolsd_verifier_spec spec{};
  spec.struct_size = sizeof spec;
  spec.backend = COOLSD_CPU;
  spec.vocab = shape.vocab;
  spec.draft_length = kLength;
  spec.omega = omega;
  spec.target = spec.draft = sampling;
  spec.rule = shape.rule;
  if (shape.budget >= 0) {
    std::fill_n(omega, kLength, 4.0f);
    spec.factors = COOLSD_FACTORS_BUDGET;
    spec.drift_budget = shape.budget;
  }
  check(coolsd_verifier_create(&spec, &verifier_));
  const size_t b = size(shape.batch);
  tokens_.resize(b * (kLength + 1));
  accepted_.resize(b);
  status_.resize(b);
  for (size_t s = 0; s < b; ++s) seeds_.push_back(1000000007 * (s + 1));
  positions_.assign(b, 0);
  drafts_.resize(kDrafts);
  for (size_t which = 0; which < kDrafts; ++which) draft(which);
  args_.struct_size = sizeof args_;
  args_.batch = shape.batch;
  args_.target = view(target_, kLength + 1);
  args_.target_uncond = view(target_uncond_, kLength + 1);
  args_.draft = view(draft_, kLength);
  args_.draft_uncond = view(draft_uncond_, kLength);
  args_.seeds = seeds_.data();
  args_.positions = positions_.data();
  args_.tokens = tokens_.data();
  args_.accepted = accepted_.data();
  args_.status = status_.data();
}

Workload::~Workload() { coolsd_verifier_destroy(verifier_); }

coolsd_logits Workload::view(const Memory& memory, int32_t rows) const {
  return {memory.get(), int64_t{rows} * shape_.vocab, shape_.vocab, shape_.dtype};
}

void Workload::fill() {
  const int64_t element = element_size(shape_.dtype), b = shape_.batch, v = shape_.vocab;
  const size_t target_bytes = size(b * (kLength + 1) * v * element), draft_bytes = size(b * kLength * v * element);
  target_ = hwy::AllocateAligned<char>(target_bytes);
  draft_ = hwy::AllocateAligned<char>(draft_bytes);
  if (shape_.guided) {
    target_uncond_ = hwy::AllocateAligned<char>(target_bytes);
    draft_uncond_ = hwy::AllocateAligned<char>(draft_bytes);
  }
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  const auto put = [&](Memory& conditional, Memory& unconditional, int64_t at, float x) {
    store(shared(x), shape_.dtype, &conditional[size(at * element)]);
    if (!shape_.guided) return;
    store(shared(x + 0.1f * normal(random)), shape_.dtype, &unconditional[size(at * element)]);
  };
  for (int64_t s = 0; s < b; ++s) {
    for (int64_t i = 0; i < (kLength + 1) * v; ++i) {
      const float x = 2 * normal(random);
      put(target_, target_uncond_, s * (kLength + 1) * v + i, x);
      if (i < kLength * v) put(draft_, draft_uncond_, s * kLength * v + i, x + normal(random));
    }
  }
}

void Workload::draft(size_t which) {
  Draft& made = drafts_[which];
  made.tokens.resize(accepted_.size() * kLength);
  made.normalisers.resize(accepted_.size() * kLength);
  const coolsd_logits rows = view(draft_, kLength), uncond = view(draft_uncond_, kLength);
  for (size_t i = 0; i < made.tokens.size(); ++i) {
    const size_t at = i * size(shape_.vocab * element_size(shape_.dtype));
    const uint64_t seed = which, position = i;
    coolsd_sample_args a{};
    a.struct_size = sizeof a;
    a.batch = 1;
    a.logits = rows;
    a.logits.data = static_cast<const char*>(rows.data) + at;
    a.logits_uncond = uncond;
    if (shape_.guided) a.logits_uncond.data = static_cast<const char*>(uncond.data) + at;
    a.purpose = COOLSD_DRAFT;
    a.seeds = &seed;
    a.positions = &position;
    a.tokens = &made.tokens[i];
    a.status = status_.data();
    a.normalisers = &made.normalisers[i];
    check(coolsd_sample(verifier_, &a));
  }
}

const std::vector<int32_t>& Workload::verify() {
  for (uint64_t& seed : seeds_) ++seed;
  const Draft& made = drafts_[turn_++ % kDrafts];
  args_.draft_tokens = made.tokens.data();
  args_.draft_normalisers = shape_.normalisers ? made.normalisers.data() : nullptr;
  check(coolsd_verify(verifier_, &args_));
  return accepted_;
}

template <typename Visit>
void Workload::each_needed_row(const std::vector<int32_t>& accepted, Visit visit) const {
  const size_t row = size(shape_.vocab * element_size(shape_.dtype));
  const auto both = [&](const Memory& x, const Memory& uncond, size_t index) {
    visit(&x[index * row], row);
    if (shape_.guided) visit(&uncond[index * row], row);
  };
  for (size_t s = 0; s < accepted.size(); ++s) {
    const size_t n = size(accepted[s]), target = s * (kLength + 1), drafted = s * kLength;
    for (size_t i = 0; i <= n; ++i) {
      both(target_, target_uncond_, target + i);
      if (i < kLength && !shape_.normalisers) both(draft_, draft_uncond_, drafted + i);
    }
    if (n == kLength) continue;
    both(draft_, draft_uncond_, drafted + n);
    both(target_, target_uncond_, target + n);
  }
}

uint64_t Workload::read(const std::vector<int32_t>& accepted) const {
  uint64_t sum = 0;
  each_needed_row(accepted, [&](const char* row, size_t bytes) { sum += read_once(row, bytes); });
  return sum;
}

int64_t Workload::bytes(const std::vector<int32_t>& accepted) const {
  size_t sum = 0;
  each_needed_row(accepted, [&](const char*, size_t bytes) { sum += bytes; });
  return static_cast<int64_t>(sum);
}

}  // namespace coolsd::bench
