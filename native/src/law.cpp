#include "law.h"

#include <algorithm>
#include <cmath>

#include "cutoff.h"

namespace coolsd {

namespace {
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr double kLog2E = 1.4426950408889634;
}  // namespace

void Law::prepare(const Row& row, const coolsd_sampling& s, int32_t vocab) {
  row_ = row;
  lo_ = s.window_lo;
  hi_ = s.window_hi == 0 ? vocab : s.window_hi;
  scale_ = s.temperature == 0 ? 0 : kLog2E / static_cast<double>(s.temperature);
  /* Beyond f32 the exponentials are 0 or 1 anyway; infinity times 0 would not be. */
  scale_ = std::min(scale_, 1e38);
  cut_value_ = -kInf;
  cut_index_ = std::numeric_limits<int32_t>::max();
}

const float* Law::values(int32_t from, int32_t n, float* buffer) const {
  if (row_.direct() && reinterpret_cast<uintptr_t>(row_.data) % alignof(float) == 0) {
    return reinterpret_cast<const float*>(row_.data) + from;
  }
  simd::load(row_, from, n, buffer);
  return buffer;
}

simd::Exponential Law::exponential(int32_t from) const {
  const bool cut = cut_value_ != -kInf;
  const int64_t relative = int64_t{cut_index_} - from;
  const int64_t least = -1, most = simd::kBlock;
  return {largest_, static_cast<float>(scale_), cut, cut_value_,
          static_cast<int32_t>(std::clamp(relative, least, most))};
}

coolsd_row_status Law::assign(const Row& row, const coolsd_sampling& s, int32_t vocab, Scratch& scratch) {
  prepare(row, s, vocab);
  const Cutoff::Request request = Cutoff::request(s, hi_ - lo_);
  largest_ = -kInf;
  mass_ = 0;
  double sum = 0;
  for (int32_t from = lo_; from < hi_; from += simd::kBlock) {
    const int32_t n = std::min(simd::kBlock, hi_ - from);
    const float* x = values(from, n, scratch.target_block.data());
    const simd::Maximum block = simd::maximum(x, n);
    if (block.nan || block.largest == kInf) return what_is_wrong();
    if (block.largest > largest_) {
      /* The sum so far is in units of the old largest. */
      sum *= std::exp2((static_cast<double>(largest_) - static_cast<double>(block.largest)) * scale_);
      if (largest_ == -kInf) sum = 0;
      largest_ = block.largest;
    }
    if (!request.any && largest_ != -kInf) sum += simd::exponentials(x, n, exponential(from), nullptr);
  }
  if (largest_ == -kInf) return COOLSD_ROW_EMPTY;
  if (request.any) {
    const Cutoff cutoff = Cutoff::find(*this, request, scratch);
    cut_value_ = cutoff.value;
    cut_index_ = cutoff.index;
    sum = sum_exponentials(scratch);
  }
  mass_ = sum;
  return COOLSD_ROW_OK;
}

/* The first bad token in vocabulary order says what it is. */
coolsd_row_status Law::what_is_wrong() const {
  for (int32_t v = lo_; v < hi_; ++v) {
    const coolsd_row_status status = row_.status(v);
    if (status != COOLSD_ROW_OK) return status;
  }
  return COOLSD_ROW_NAN;
}

coolsd_row_status Law::adopt(const Row& row, const coolsd_sampling& s, int32_t vocab, const coolsd_normaliser& n) {
  prepare(row, s, vocab);
  largest_ = n.largest;
  mass_ = n.mass;
  cut_value_ = n.cut_value;
  cut_index_ = n.cut_index;
  const bool sane = std::isfinite(n.largest) && std::isfinite(n.mass) && n.mass > 0 && !std::isnan(n.cut_value) &&
                    n.cut_value <= n.largest;
  return sane ? COOLSD_ROW_OK : COOLSD_ROW_NORMALISER;
}

double Law::operator[](int32_t token) const {
  if (token < lo_ || token >= hi_) return 0;
  const float x = row_[token];
  if (x == -kInf || !kept(x, token)) return 0;
  return std::exp2((static_cast<double>(x) - static_cast<double>(largest_)) * scale_) / mass_;
}

double Law::sum_exponentials(Scratch& scratch) const {
  double sum = 0;
  for (int32_t from = lo_, b = 0; from < hi_; from += simd::kBlock, ++b) {
    const int32_t n = std::min(simd::kBlock, hi_ - from);
    sum += simd::exponentials(values(from, n, scratch.target_block.data()), n, exponential(from), nullptr);
  }
  return sum;
}

int32_t Law::draw(double u, Scratch& scratch) const {
  /* Against the mass of one and the same summation, so that the running sum reaches it. */
  const double wanted = u * mass_;
  double before = 0;
  int32_t last = -1;
  for (int32_t from = lo_; from < hi_; from += simd::kBlock) {
    const int32_t n = std::min(simd::kBlock, hi_ - from);
    const float* x = values(from, n, scratch.target_block.data());
    const double sum = simd::exponentials(x, n, exponential(from), scratch.weights.data());
    if (sum > 0) {
      if (before + sum > wanted) return from + search(scratch.weights.data(), n, before, wanted);
      /* Kept in case rounding leaves the end of the mass unreached. */
      last = from + search(scratch.weights.data(), n, before, before + sum);
    }
    before += sum;
  }
  return last;
}

int32_t search(const float* weights, int32_t n, double before, double wanted) {
  constexpr int32_t kChunk = 32;
  int32_t last = -1;
  for (int32_t from = 0; from < n; from += kChunk) {
    const int32_t to = std::min(n, from + kChunk);
    double four[4] = {0, 0, 0, 0};
    for (int32_t i = from; i < to; ++i) four[i & 3] += static_cast<double>(weights[i]);
    const double sum = (four[0] + four[1]) + (four[2] + four[3]);
    if (sum <= 0) continue;
    const bool here = before + sum > wanted;
    double reached = before;
    for (int32_t i = from; i < to; ++i) {
      if (weights[i] > 0) {
        last = i;
        reached += static_cast<double>(weights[i]);
        if (here && reached > wanted) return i;
      }
    }
    if (here) return last;
    before += sum;
  }
  return last;
}

}  // namespace coolsd
