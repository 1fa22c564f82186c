/* Powers of two in double, without branches: a GPU has many in flight at once. */
#ifndef COOLSD_KERNELS_COMMON_POWER_H
#define COOLSD_KERNELS_COMMON_POWER_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "qualifiers.h"

namespace coolsd {

/* 2^n for -1022 <= n <= 1023. */
COOLSD_HD double integer_power(int n) {
  const uint64_t bits = static_cast<uint64_t>(n + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return power;
}

/*
 * 2^t for t <= 0, relative error below 1e-14, 0 below -1075. t = n + f with |f| <= 1/2; 2^f is its Taylor series up to
 * f^11, summed as a tree. Same bits on every machine: each operation is rounded as IEEE 754 says.
 */
COOLSD_HD double nonpositive_power(double t) {
  constexpr double kShift = 0x1.8p52; /* numbers beside it have no fraction */
  const double bounded = t > -1100 ? t : -1100;
  const double shifted = bounded + kShift;
  const double f = bounded - (shifted - kShift);
  int64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  const int n = static_cast<int>(bits);
  const double f2 = f * f, f4 = f2 * f2;
  const double c01 = fma(f, 6.93147180559945309417e-01, 1.0);
  const double c23 = fma(f, 5.55041086648215799531e-02, 2.40226506959100712334e-01);
  const double c45 = fma(f, 1.33335581464284434234e-03, 9.61812910762847716197e-03);
  const double c67 = fma(f, 1.52527338040598402800e-05, 1.54035303933816099544e-04);
  const double c89 = fma(f, 1.01780860092396997275e-07, 1.32154867901443094884e-06);
  const double c1011 = fma(f, 4.44553827187081149760e-10, 7.05491162080112332988e-09);
  const double low = fma(f2, c23, c01), middle = fma(f2, c67, c45), high = fma(f2, c1011, c89);
  const double power = fma(f4, fma(f4, high, middle), low);
  const int half = n >> 1; /* in two steps: the result may be subnormal */
  return power * integer_power(half) * integer_power(n - half);
}

}  // namespace coolsd

#endif
