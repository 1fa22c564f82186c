/* What is wrong with one logit. */
#ifndef COOLSD_KERNELS_COMMON_LOGIT_H
#define COOLSD_KERNELS_COMMON_LOGIT_H

#include "coolsd.h"
#include "qualifiers.h"

namespace coolsd {

/* x is the guided logit, which is NaN where either half is. */
COOLSD_HD coolsd_row_status logit_status(float x) {
  if (x != x) return COOLSD_ROW_NAN;
  return x == __builtin_huge_valf() ? COOLSD_ROW_INFINITE : COOLSD_ROW_OK;
}

/* Of a row whose normaliser the caller gave. */
COOLSD_HD coolsd_row_status logit_status(float x, float largest) {
  const coolsd_row_status status = logit_status(x);
  return status == COOLSD_ROW_OK && x > largest ? COOLSD_ROW_NORMALISER : status;
}

/* What a row is that has two tokens with these: NaN comes before infinity, and that before a value too large. */
COOLSD_HD coolsd_row_status worse(coolsd_row_status a, coolsd_row_status b) {
  if (a == COOLSD_ROW_OK || b == COOLSD_ROW_OK) return a == COOLSD_ROW_OK ? b : a;
  return a < b ? a : b;
}

}  // namespace coolsd

#endif
