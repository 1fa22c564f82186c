/* The probability law that a row of logits and a sampling give. */
#ifndef COOLSD_NATIVE_LAW_H
#define COOLSD_NATIVE_LAW_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cutoff.h"
#include "row.h"
#include "simd/simd.h"

namespace coolsd {

/* Memory of one verifier for work on rows; reserved once, for its vocabulary. */
struct Scratch {
  explicit Scratch(int32_t vocab)
      : sums(static_cast<size_t>(vocab / simd::kBlock) + 2),
        target_block(simd::kBlock),
        draft_block(simd::kBlock),
        weights(simd::kBlock + simd::kSlack),
        candidates(static_cast<size_t>(vocab + simd::kSlack)),
        kept(candidates.size()),
        masses(candidates.size()),
        offsets(sums.size()),
        bins(weights.size()),
        sums_of_bins(2 * bins.size()) {}

  std::vector<double> sums; /* of the residual, per block */
  std::vector<float> target_block, draft_block, weights;
  std::vector<float> candidates, kept, masses; /* [V + a vector], for cut-offs */
  std::vector<int32_t> offsets;                /* per block the number of candidates before it */
  std::vector<int32_t> bins;                   /* of a block's tokens, for budgets */
  std::vector<float> sums_of_bins;             /* what they add */
};

class Law {
 public:
  explicit Law(int32_t vocab) : sums_(static_cast<size_t>(vocab / simd::kBlock) + 1) {}

  /* Reads the row: largest logit, cut-off, mass. On another status than OK the law is undefined. */
  coolsd_row_status assign(const Row& row, const coolsd_sampling& sampling, int32_t vocab, Scratch& scratch);

  /* Takes what sample() found instead of reading the row. */
  coolsd_row_status adopt(const Row& row, const coolsd_sampling& sampling, int32_t vocab, const coolsd_normaliser& n);

  /* What is wrong with one token, or with all of lo..hi, of an adopted row; outside the window nothing is. */
  coolsd_row_status judge(int32_t token) const { return judge(token, token + 1); }
  coolsd_row_status judge(int32_t lo, int32_t hi) const;

  coolsd_normaliser normaliser() const;

  /* Probability of one token, in double; 0 outside the window. */
  double operator[](int32_t token) const;

  /* Inverse CDF in vocabulary order at u in [0, 1); after assign(). */
  int32_t draw(double u, Scratch& scratch) const;

  /* The values of tokens from..from + n, where they are or in buffer [kBlock]. */
  const float* values(int32_t from, int32_t n, float* buffer) const;

  /* The exponential of the block that starts at token from. */
  simd::Exponential exponential(int32_t from) const;

  const Row& row() const { return row_; }
  int32_t lo() const { return lo_; }
  int32_t hi() const { return hi_; }
  double mass() const { return mass_; } /* in units of exponential() */
  double scale() const { return scale_; }
  float largest() const { return largest_; }

 private:
  void prepare(const Row& row, const coolsd_sampling& sampling, int32_t vocab);
  coolsd_row_status what_is_wrong() const;
  coolsd_row_status sum_all(Scratch& scratch);
  coolsd_row_status sum_kept(const CutRequest& request, Scratch& scratch);
  coolsd_row_status sift(float bound, Scratch& scratch, CandidateCutoff::Candidates& all);
  int32_t blocks() const { return (hi_ - lo_ + simd::kBlock - 1) / simd::kBlock; }
  size_t index(int32_t from) const { return static_cast<size_t>(from - lo_) / simd::kBlock; }
  int32_t block(int32_t from) const { return std::min(simd::kBlock, hi_ - from); }
  /* log2 of an exponential in units of another reference, with the factor that the sums were made with. */
  double shift(float from, float to) const {
    return (static_cast<double>(from) - static_cast<double>(to)) * static_cast<double>(static_cast<float>(scale_));
  }

  Row row_{nullptr};
  int32_t lo_ = 0, hi_ = 0;
  bool adopted_ = false;
  double scale_ = 1; /* power_scale() */
  double mass_ = 0;
  double largest_mass_ = 0;  /* the mass in units of the largest value's exponential */
  std::vector<double> sums_; /* the mass, per block */
  float largest_ = 0;
  float reference_ = 0; /* what has the exponential 1: the largest value, or one near it */
  float cut_value_ = -std::numeric_limits<float>::infinity();
  int32_t cut_index_ = std::numeric_limits<int32_t>::max();
};

}  // namespace coolsd

#endif
