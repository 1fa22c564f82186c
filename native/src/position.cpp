#include "position.h"

#include <algorithm>
#include <cmath>

namespace coolsd {

namespace {

/* H(P) / log(tokens in the window), 0 where there is one token; one more pass over the row. */
double relative_entropy(const Law& p, Scratch& scratch) {
  const int32_t tokens = p.hi() - p.lo();
  if (tokens == 1) return 0;
  double sum = 0; /* of y -log2(y) */
  for (int32_t from = p.lo(); from < p.hi(); from += simd::kBlock) {
    const int32_t n = std::min(simd::kBlock, p.hi() - from);
    const float* x = p.values(from, n, scratch.target_block.data());
    simd::exponentials(x, n, p.exponential(from), scratch.weights.data());
    sum += simd::entropies(x, scratch.weights.data(), n, p.exponential(from));
  }
  const double entropy = std::log2(p.mass()) + sum / p.mass();
  return std::clamp(entropy / std::log2(static_cast<double>(tokens)), 0.0, 1.0);
}

}  // namespace

coolsd_row_status Position::read_target(const Sequence& s, int32_t i, Scratch& scratch) {
  return p.assign(s.target_row(i), s.target_sampling(), s.spec().vocab, scratch);
}

coolsd_row_status Position::read_draft(const Sequence& s, int32_t i, Scratch& scratch) {
  const coolsd_normaliser* given = s.normaliser(i);
  if (given == nullptr) return q.assign(s.draft_row(i), s.draft_sampling(), s.spec().vocab, scratch);
  const coolsd_row_status status = q.adopt(s.draft_row(i), s.draft_sampling(), s.spec().vocab, *given);
  return status == COOLSD_ROW_OK ? q.judge(s.token(i)) : status;
}

coolsd_row_status Position::choose_factor(const Sequence& s, int32_t i, Scratch& scratch) {
  omega = s.omega(i);
  switch (s.spec().factors) {
    case COOLSD_FACTORS_BUDGET:
      return factor_of_budget(p, q, static_cast<double>(omega), static_cast<double>(s.drift_budget(i)), scratch,
                              &omega);
    case COOLSD_FACTORS_ENTROPY:
      omega = static_cast<float>(1 + (static_cast<double>(omega) - 1) * relative_entropy(p, scratch));
      return COOLSD_ROW_OK;
    default:
      return COOLSD_ROW_OK;
  }
}

double Position::log_prob(const Sequence& s, int32_t token) const {
  return s.wants_log_prob() ? std::log(p[token]) : 0;
}

}  // namespace coolsd
