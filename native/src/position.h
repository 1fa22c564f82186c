/* One draft position of a sequence: both laws, the factor, and what passes over both rows find. */
#ifndef COOLSD_NATIVE_POSITION_H
#define COOLSD_NATIVE_POSITION_H

#include <cstdint>

#include "law.h"
#include "residual.h"
#include "sequence.h"

namespace coolsd {

struct Position {
  explicit Position(int32_t vocab) : p(vocab), q(vocab), residual(vocab) {}

  /* The target's law: reads its row. */
  coolsd_row_status read_target(const Sequence& s, int32_t i, Scratch& scratch);

  /* The drafter's law: reads its row unless there is a normaliser, and then looks at the drafted token only. */
  coolsd_row_status read_draft(const Sequence& s, int32_t i, Scratch& scratch);

  /* The position's factor, after both laws. */
  coolsd_row_status choose_factor(const Sequence& s, int32_t i, Scratch& scratch);

  /* log P of a token, if it is wanted. */
  double log_prob(const Sequence& s, int32_t token) const;

  Law p, q;
  float omega = 1;
  Residual residual;
};

}  // namespace coolsd

#endif
