/* Verification as docs/method.md defines it, in double, token by token of the vocabulary: what the library is compared
 * with. */
#ifndef COOLSD_NATIVE_TEST_DEFINITION_H
#define COOLSD_NATIVE_TEST_DEFINITION_H

#include <cstdint>
#include <vector>

#include "step_case.h"

namespace coolsd::test {

/* One sequence's outcome. */
struct Outcome {
  std::vector<int32_t> tokens; /* the accepted and the drawn one */
  std::vector<double> drift;   /* of positions that emitted a token */
  std::vector<double> ratio;   /* of tokens */
  std::vector<double> log_prob;
  double closest = 1; /* how far, in probability, the nearest decision was from its boundary */
};

using Distribution = std::vector<double>;

/* The law of a row after temperature, window, top-k and top-p. */
Distribution distribution(const float* logits, int32_t vocab, const coolsd_sampling& sampling);

/* TV(Phat, P) of the relaxed rule with a factor. */
double drift_of(const Distribution& p, const Distribution& q, double omega, double affine);

/* Entropy over the logarithm of the number of tokens in the window. */
double relative_entropy(const Distribution& p, int32_t tokens);

/* Sequence b of a case by the relaxed rule (with the specification's affine part) or by the block's, with these
 * factors. */
Outcome verify_by_definition(StepCase& c, int32_t b, bool block, const std::vector<double>& omega);

}  // namespace coolsd::test

#endif
