/* Questions about floating-point numbers that host and device answer alike. */
#ifndef COOLSD_KERNELS_COMMON_NUMBER_H
#define COOLSD_KERNELS_COMMON_NUMBER_H

#include "qualifiers.h"

namespace coolsd {

/* Neither NaN nor infinite. */
template <typename T>
COOLSD_HD bool is_finite(T x) {
  return x - x == 0;
}

}  // namespace coolsd

#endif
