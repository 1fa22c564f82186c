/* LANTERN's acceptance with pooled neighbours, in double and token by token: a baseline, not the fast path. */
#ifndef COOLSD_NATIVE_LANTERN_H
#define COOLSD_NATIVE_LANTERN_H

#include <cstdint>
#include <vector>

#include "residual.h"

namespace coolsd {

class Lantern {
 public:
  Lantern(const coolsd_lantern& spec, int32_t vocab)
      : spec_(spec), vocab_(vocab), weights_(static_cast<size_t>(vocab)) {}

  /* P'(x): P(x) and the longest prefix of its neighbours whose sum stays within the bound; *pooled is its length. */
  double pooled(const Law& p, int32_t token, int32_t* pooled) const;

  /* Whether the residual has a law of its own per position, so that drift and P/Phat exist. */
  bool optimal() const { return spec_.residual == COOLSD_RESIDUAL_OPTIMAL; }

  /* Draws after the rejection of token at u; falls back to P on an empty residual. */
  int32_t draw(const Law& p, const Law& q, int32_t token, double u, Scratch& scratch);

  /* Sums of the optimal residual. */
  Moments moments(const Law& p, const Law& q);

  /* min(1, P'/Q) of one token. */
  double acceptance(const Law& p, const Law& q, int32_t token) const;

 private:
  coolsd_lantern spec_;
  int32_t vocab_;
  std::vector<double> weights_;
};

}  // namespace coolsd

#endif
