/* LANTERN's acceptance with pooled neighbours, in double and token by token: a baseline, not the fast path. */
#ifndef COOLSD_NATIVE_LANTERN_H
#define COOLSD_NATIVE_LANTERN_H

#include <cstdint>
#include <vector>

#include "common/lantern.h"
#include "residual.h"

namespace coolsd {

class Lantern {
 public:
  Lantern(const coolsd_lantern& spec, int32_t vocab)
      : spec_(spec), vocab_(vocab), weights_(static_cast<size_t>(vocab)) {}

  /* P'(x): P(x) and what its neighbours lend. */
  Pooled pooled(const Law& p, int32_t token) const;

  /* Whether the residual has a law of its own per position, so that drift and P/Phat exist. */
  bool optimal() const { return spec_.residual == COOLSD_RESIDUAL_OPTIMAL; }

  /* What is wrong with the part of a draft row that moments() and draw() read. */
  coolsd_row_status judge(const Law& p, const Law& q) const {
    return optimal() ? q.judge(0, vocab_) : q.judge(p.lo(), p.hi());
  }

  /* Draws after the rejection of token at u; falls back to P on an empty residual. */
  int32_t draw(const Law& p, const Law& q, int32_t token, double u, Scratch& scratch);

  /* Sums of the optimal residual. */
  Moments moments(const Law& p, const Law& q);

  /* Q f of one token. */
  double taken(const Law& p, const Law& q, int32_t token) const;

 private:
  const int32_t* neighbours(int32_t token) const { return spec_.neighbours + int64_t{token} * spec_.k; }

  coolsd_lantern spec_;
  int32_t vocab_;
  std::vector<double> weights_;
};

}  // namespace coolsd

#endif
