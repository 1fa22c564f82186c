/* Verification token by token: the relaxed rule, the affine one and LANTERN's. */
#ifndef COOLSD_NATIVE_TOKEN_RULES_H
#define COOLSD_NATIVE_TOKEN_RULES_H

#include "lantern.h"
#include "position.h"
#include "sequence.h"

namespace coolsd {

/*
 * Accepts up to the first rejection, behind which no row is read, and draws one token. `at` is used for every position
 * in turn; lantern is NULL with any other rule.
 */
coolsd_row_status verify_tokens(const Sequence& s, Lantern* lantern, Position& at, Scratch& scratch, int32_t* accepted);

}  // namespace coolsd

#endif
