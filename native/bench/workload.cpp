#include "workload.h"

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

/* Truncated, which is all that a benchmark needs of rounding; |x| must be normal in f16. */
void store(float x, int32_t dtype, char* to) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (dtype == COOLSD_F32) {
    std::memcpy(to, &bits, sizeof bits);
    return;
  }
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
  const uint32_t f16 = magnitude < 113u << 23 ? sign : sign | ((magnitude >> 13) - (112u << 10));
  const uint16_t half = static_cast<uint16_t>(dtype == COOLSD_BF16 ? bits >> 16 : f16);
  std::memcpy(to, &half, sizeof half);
}

coolsd_logits view(const std::vector<char>& memory, int32_t rows, const Shape& shape) {
  if (memory.empty()) return {nullptr, 0, 0, shape.dtype};
  return {memory.data(), int64_t{rows} * shape.vocab, shape.vocab, shape.dtype};
}

}  // namespace

Workload::Workload(const Shape& shape) : shape_(shape) {
  const int64_t element = element_size(shape.dtype), b = shape.batch, v = shape.vocab;
  target_.resize(size(b * (kLength + 1) * v * element));
  draft_.resize(size(b * kLength * v * element));
  if (shape.guided) {
    target_uncond_.resize(target_.size());
    draft_uncond_.resize(draft_.size());
  }
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  for (int64_t s = 0; s < b; ++s) {
    for (int64_t i = 0; i < (kLength + 1) * v; ++i) {
      const float x = 2 * normal(random);
      const int64_t at = (s * (kLength + 1) * v + i) * element;
      store(x, shape.dtype, &target_[size(at)]);
      if (shape.guided) store(x + 0.1f * normal(random), shape.dtype, &target_uncond_[size(at)]);
      if (i >= kLength * v) continue;
      const int64_t drafted = (s * kLength * v + i) * element;
      const float y = x + normal(random);
      store(y, shape.dtype, &draft_[size(drafted)]);
      if (shape.guided) store(y + 0.1f * normal(random), shape.dtype, &draft_uncond_[size(drafted)]);
    }
  }
  float omega[kLength], sum = 0;
  for (int32_t i = 0; i < kLength; ++i) sum += omega[i] = std::exp(-0.7f * static_cast<float>(i + 1));
  for (float& w : omega) w *= 1.1f * kLength / sum;
  const coolsd_sampling sampling = {sizeof(coolsd_sampling), 1, 4, shape.top_k, 1, 0, 0};
  const coolsd_verifier_spec spec = {sizeof spec, COOLSD_CPU, shape.vocab, kLength, omega,
                                     sampling,    sampling,   nullptr,     0};
  check(coolsd_verifier_create(&spec, &verifier_));
  draft();
}

Workload::~Workload() { coolsd_verifier_destroy(verifier_); }

void Workload::draft() {
  const size_t b = size(shape_.batch);
  drafted_.resize(b * kLength);
  normalisers_.resize(b * kLength);
  tokens_.resize(b * (kLength + 1));
  accepted_.resize(b);
  status_.resize(b);
  for (size_t s = 0; s < b; ++s) seeds_.push_back(7 + 1000000007 * s);
  positions_.assign(b, 0);
  const coolsd_logits rows = view(draft_, kLength, shape_), uncond = view(draft_uncond_, kLength, shape_);
  for (int32_t s = 0; s < shape_.batch; ++s) {
    for (int32_t i = 0; i < kLength; ++i) {
      const int64_t at = (int64_t{s} * kLength + i) * shape_.vocab * element_size(shape_.dtype);
      const uint64_t position = static_cast<uint64_t>(i);
      coolsd_sample_args a{};
      a.struct_size = sizeof a;
      a.batch = 1;
      a.logits = rows;
      a.logits.data = static_cast<const char*>(rows.data) + at;
      a.logits_uncond = uncond;
      if (shape_.guided) a.logits_uncond.data = static_cast<const char*>(uncond.data) + at;
      a.purpose = COOLSD_DRAFT;
      a.seeds = &seeds_[size(s)];
      a.positions = &position;
      a.tokens = &drafted_[size(s * kLength + i)];
      a.status = status_.data();
      a.normalisers = &normalisers_[size(s * kLength + i)];
      check(coolsd_sample(verifier_, &a));
    }
  }
  args_.struct_size = sizeof args_;
  args_.batch = shape_.batch;
  args_.target = view(target_, kLength + 1, shape_);
  args_.target_uncond = view(target_uncond_, kLength + 1, shape_);
  args_.draft = rows;
  args_.draft_uncond = uncond;
  args_.draft_tokens = drafted_.data();
  args_.seeds = seeds_.data();
  args_.positions = positions_.data();
  args_.tokens = tokens_.data();
  args_.accepted = accepted_.data();
  args_.status = status_.data();
  args_.draft_normalisers = shape_.normalisers ? normalisers_.data() : nullptr;
}

const std::vector<int32_t>& Workload::verify() {
  for (uint64_t& seed : seeds_) ++seed;
  check(coolsd_verify(verifier_, &args_));
  return accepted_;
}

template <typename Visit>
void Workload::each_needed_row(const std::vector<int32_t>& accepted, Visit visit) const {
  const size_t row = size(shape_.vocab * element_size(shape_.dtype));
  const auto both = [&](const std::vector<char>& x, const std::vector<char>& uncond, size_t index) {
    visit(x.data() + index * row, row);
    if (shape_.guided) visit(uncond.data() + index * row, row);
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
