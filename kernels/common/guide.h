/* Classifier-free guidance of one logit, one definition for every backend. */
#ifndef COOLSD_KERNELS_COMMON_GUIDE_H
#define COOLSD_KERNELS_COMMON_GUIDE_H

#include "qualifiers.h"

namespace coolsd {

/*
 * Guided logit: u + g (c - u), every operation rounded to f32 (compile without contraction), as LibTorch computes it;
 * part of the contract, since ties are decided on this value. A token masked (-inf) in either half is masked: inf - inf
 * would be NaN.
 */
COOLSD_HD float guide(float c, float u, float guidance) {
  const float inf = __builtin_huge_valf();
  if ((c == -inf && u == u) || (u == -inf && c == c)) return c == inf || u == inf ? inf : -inf;
  const float gap = c - u;
  const float scaled = guidance * gap;
  return u + scaled;
}

}  // namespace coolsd

#endif
