/* Block verification of the relaxed law: a prefix of the draft is accepted as a whole (common/rule.h, docs/method.md).
 */
#ifndef COOLSD_NATIVE_BLOCK_RULE_H
#define COOLSD_NATIVE_BLOCK_RULE_H

#include "position.h"
#include "sequence.h"

namespace coolsd {

/*
 * Reads the target's row of every draft position, up to one where nothing can be accepted any more, then what the
 * accepted length needs: no pass over two rows is made twice. `at` are the sequence's positions and one more.
 */
coolsd_row_status verify_block(const Sequence& s, Position* at, Scratch& scratch, int32_t* accepted);

}  // namespace coolsd

#endif
