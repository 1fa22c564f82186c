/*
 * The probability law of a row: P(v) = 2^((x_v - largest) scale) / mass of the tokens that are kept. x is the guided
 * logit, scale is power_scale(), the rest is the row's coolsd_normaliser.
 */
#ifndef COOLSD_KERNELS_COMMON_LAW_H
#define COOLSD_KERNELS_COMMON_LAW_H

#include <math.h>
#include <stdint.h>

#include "coolsd.h"
#include "number.h"
#include "qualifiers.h"

namespace coolsd {

/* Whether a cut-off keeps a token: one above its value, or equal to it up to its index. */
COOLSD_HD bool kept(float x, int32_t token, float cut_value, int32_t cut_index) {
  /* No short cuts: without branches. */
  return (x > cut_value) | ((x == cut_value) & (token <= cut_index));
}

/* The probability of a kept token. */
COOLSD_HD double kept_probability(float x, float largest, double scale, double mass) {
  if (x == -__builtin_huge_valf()) return 0;
  return exp2((static_cast<double>(x) - static_cast<double>(largest)) * scale) / mass;
}

/* Whether a normaliser can be one of any row. */
COOLSD_HD bool sane(const coolsd_normaliser& n) {
  return is_finite(n.largest) && is_finite(n.mass) && n.mass > 0 && n.cut_value <= n.largest;
}

}  // namespace coolsd

#endif
