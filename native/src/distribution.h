/* From a row of logits to probabilities, in double. */
#ifndef COOLSD_NATIVE_DISTRIBUTION_H
#define COOLSD_NATIVE_DISTRIBUTION_H

#include <cstdint>
#include <vector>

#include "logits.h"

namespace coolsd {

/* A probability law over the vocabulary. Memory is reserved once, for the vocabulary it is made with. */
class Distribution {
 public:
  explicit Distribution(int32_t vocab);

  /* Guidance, temperature, window, top-k, top-p, normalisation. On any other status than OK the law is undefined. */
  coolsd_row_status assign(const Row& logits, const Row& unconditional, const coolsd_sampling& sampling);

  double operator[](int32_t token) const { return probability_[static_cast<size_t>(token)]; }
  double& at(int32_t token) { return probability_[static_cast<size_t>(token)]; }
  int32_t vocab() const { return static_cast<int32_t>(probability_.size()); }

  /* Inverse CDF in vocabulary order at bits / 2^32 of the mass; the values need not be normalised. */
  int32_t draw(uint32_t bits) const;

 private:
  void keep_largest(int32_t lo, int32_t hi, int32_t top_k, double top_p);

  std::vector<double> probability_;
  std::vector<int32_t> order_;
};

}  // namespace coolsd

#endif
