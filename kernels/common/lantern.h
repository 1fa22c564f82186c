/* LANTERN's acceptance (arXiv 2410.03355, 2502.06352): P' of a token is P and what its nearest neighbours lend. */
#ifndef COOLSD_KERNELS_COMMON_LANTERN_H
#define COOLSD_KERNELS_COMMON_LANTERN_H

#include <stdint.h>

#include "qualifiers.h"

namespace coolsd {

struct Pooled {
  double probability; /* P'(x) */
  int32_t neighbours; /* how many lend */
};

/*
 * own is P(x); neighbour(m) is the probability of the neighbour that is m-th nearest, from 0; the longest prefix counts
 * whose sum is at most bound, or with plus_plus at most (bound - 1) P(x).
 */
template <typename Neighbour>
COOLSD_HD Pooled pool(double own, int32_t k, bool plus_plus, double bound, Neighbour neighbour) {
  const double limit = plus_plus ? (bound - 1) * own : bound;
  double sum = 0;
  int32_t m = 0;
#ifdef __CUDACC__
#pragma unroll 1
#endif
  for (; m < k; ++m) {
    const double next = sum + neighbour(m);
    if (next > limit) break;
    sum = next;
  }
  return {own + sum, m};
}

/* Q min(1, P'/Q): the mass of one token that is accepted. */
COOLSD_HD double lantern_taken(double pooled, double q) {
  if (pooled <= 0) return 0;
  return q < pooled ? q : pooled;
}

}  // namespace coolsd

#endif
