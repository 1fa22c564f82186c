#include "law.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/law.h"
#include "common/sampling.h"

namespace coolsd {

namespace {
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr int32_t kSample = 512; /* tokens that the first reference is the largest of */
constexpr float kFar = 4;        /* powers of two that the reference may be too low by, at some cost in accuracy */
}  // namespace

void Law::prepare(const Row& row, const coolsd_sampling& s, int32_t vocab) {
  row_ = row;
  const Window tokens = window(s, vocab);
  lo_ = tokens.lo;
  hi_ = tokens.hi;
  scale_ = power_scale(s.temperature);
  adopted_ = false;
  cut_value_ = -kInf;
  cut_index_ = std::numeric_limits<int32_t>::max();
}

const float* Law::values(int32_t from, int32_t n, float* buffer) const {
  if (row_.direct() && reinterpret_cast<uintptr_t>(row_.data) % alignof(float) == 0) {
    return reinterpret_cast<const float*>(row_.data) + from;
  }
  simd::load(row_.from(from), n, buffer);
  return buffer;
}

simd::Exponential Law::exponential(int32_t from) const {
  const bool cut = cut_value_ != -kInf;
  const int64_t relative = int64_t{cut_index_} - from;
  const int64_t least = -1, most = hi_;
  return {reference_, static_cast<float>(scale_), cut, cut_value_,
          static_cast<int32_t>(std::clamp(relative, least, most))};
}

coolsd_row_status Law::assign(const Row& row, const coolsd_sampling& s, int32_t vocab, Scratch& scratch) {
  prepare(row, s, vocab);
  const CutRequest request = cut_request(s, hi_ - lo_);
  const coolsd_row_status status = request.any ? sum_kept(request, scratch) : sum_all(scratch);
  if (status != COOLSD_ROW_OK) return status;
  mass_ = std::accumulate(sums_.begin(), sums_.begin() + blocks(), 0.0);
  largest_mass_ = mass_ * std::exp2(shift(reference_, largest_));
  return COOLSD_ROW_OK;
}

/*
 * The row is read once: exponentials are summed relative to a value found near its start, and the largest value is
 * found in the same pass. A block that is far above the reference, or not finite, is read again by itself.
 */
coolsd_row_status Law::sum_all(Scratch& scratch) {
  const float scale = static_cast<float>(scale_);
  const int32_t few = std::min(kSample, hi_ - lo_);
  const simd::Maximum near = simd::maximum(values(lo_, few, scratch.target_block.data()), few);
  if (near.nan || near.largest == kInf) return what_is_wrong();
  reference_ = near.largest;
  largest_ = -kInf;
  bool fast = row_.uncond == nullptr || row_.guidance > 0;
  for (int32_t from = lo_; from < hi_;) {
    if (fast && reference_ != -kInf) {
      const simd::MassTerms terms = {reference_, scale, reference_ + kFar / scale};
      from += simd::mass(row_.from(from), hi_ - from, terms, &sums_[index(from)], &largest_) * simd::kBlock;
      if (from >= hi_) break;
    }
    const int32_t n = block(from);
    const float* x = values(from, n, scratch.target_block.data());
    const simd::Maximum here = simd::maximum(x, n);
    if (here.nan || here.largest == kInf) return what_is_wrong();
    if (here.largest > reference_) {
      const double shrink = reference_ == -kInf ? 0 : std::exp2(shift(reference_, here.largest));
      std::for_each_n(sums_.begin(), index(from), [shrink](double& earlier) {
        earlier *= shrink;
        if (earlier < 0x1p-100) earlier = 0; /* its exponentials are out of f32's reach */
      });
      reference_ = here.largest;
    } else if (reference_ != -kInf) {
      fast = false; /* a mask like -3e38 stopped it, and will again */
    }
    sums_[index(from)] =
        here.largest == -kInf ? 0 : simd::exponentials(x, n, exponential(from), scratch.weights.data());
    largest_ = std::max(largest_, here.largest);
    from += n;
  }
  return largest_ == -kInf ? COOLSD_ROW_EMPTY : COOLSD_ROW_OK;
}

/* The candidates of a cut-off: all that reach the bound, with their number before each block. */
coolsd_row_status Law::sift(float bound, Scratch& scratch, CandidateCutoff::Candidates& all) {
  float* candidates = scratch.candidates.data();
  int32_t count = 0;
  for (int32_t from = lo_; from < hi_; from += simd::kBlock) {
    scratch.offsets[index(from)] = count;
    Row row = row_.from(from);
    if (row.uncond != nullptr) row = Row(values(from, block(from), scratch.target_block.data()));
    count += simd::sift(row, block(from), bound, candidates + count);
  }
  scratch.offsets[static_cast<size_t>(blocks())] = count;
  /* NaN and infinity are no less than any bound: what is wrong is among the candidates. */
  const simd::Maximum found = simd::maximum(candidates, count);
  all = {count, bound, found.largest};
  if (found.nan || found.largest == kInf) return what_is_wrong();
  return found.largest == -kInf ? COOLSD_ROW_EMPTY : COOLSD_ROW_OK;
}

/* The row is read once; everything else happens among the candidates, but for the block of the last of equals. */
coolsd_row_status Law::sum_kept(const CutRequest& request, Scratch& scratch) {
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  const int32_t n = hi_ - lo_;
  const float bound = request.top_k < n ? CandidateCutoff::guess(row_, lo_, n, request.top_k, scratch) : kLowest;
  CandidateCutoff::Candidates all;
  coolsd_row_status status = sift(bound, scratch, all);
  if (all.count < request.top_k && bound != kLowest) status = sift(kLowest, scratch, all);
  if (status != COOLSD_ROW_OK) return status;
  largest_ = reference_ = all.largest;
  const CandidateCutoff cutoff = CandidateCutoff::find(all, request, exponential(lo_), scratch);
  cut_value_ = cutoff.value;
  for (int32_t from = lo_; from < hi_; from += simd::kBlock) {
    const int32_t before = scratch.offsets[index(from)], here = scratch.offsets[index(from) + 1] - before;
    const float* x = scratch.candidates.data() + before;
    if (cutoff.candidate - before >= 0 && cutoff.candidate - before < here) {
      const int32_t nth = static_cast<int32_t>(std::count(x, x + (cutoff.candidate - before) + 1, cut_value_));
      const float* row = values(from, block(from), scratch.target_block.data());
      cut_index_ = from + simd::nth_equal(row, block(from), cut_value_, nth);
    }
    simd::Exponential e = exponential(from);
    e.cut_index = std::clamp(cutoff.candidate - before, -1, n);
    sums_[index(from)] = simd::exponentials(x, here, e, scratch.weights.data());
  }
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
  adopted_ = true;
  largest_ = reference_ = n.largest;
  mass_ = largest_mass_ = n.mass;
  cut_value_ = n.cut_value;
  cut_index_ = n.cut_index;
  return sane(n) ? COOLSD_ROW_OK : COOLSD_ROW_NORMALISER;
}

coolsd_row_status Law::judge(int32_t lo, int32_t hi) const {
  coolsd_row_status worst = COOLSD_ROW_OK;
  for (int32_t v = std::max(lo, lo_); adopted_ && v < std::min(hi, hi_); ++v) {
    worst = worse(worst, logit_status(row_[v], largest_));
  }
  return worst;
}

coolsd_normaliser Law::normaliser() const { return {largest_mass_, largest_, cut_value_, cut_index_, 0}; }

double Law::operator[](int32_t token) const {
  if (token < lo_ || token >= hi_) return 0;
  const float x = row_[token];
  return kept(x, token, cut_value_, cut_index_) ? kept_probability(x, largest_, scale_, largest_mass_) : 0;
}

int32_t Law::draw(double u, Scratch& scratch) const {
  /* Against the mass of one and the same summation, so that the running sum reaches it. */
  const double wanted = u * mass_;
  double before = 0;
  for (int32_t from = lo_; from < hi_; from += simd::kBlock) {
    const double sum = sums_[index(from)];
    if (before + sum > wanted) {
      const float* x = values(from, block(from), scratch.target_block.data());
      simd::exponentials(x, block(from), exponential(from), scratch.weights.data());
      return from + simd::search(scratch.weights.data(), block(from), before, wanted);
    }
    before += sum;
  }
  return -1;
}

}  // namespace coolsd
