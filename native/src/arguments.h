/* Whether what a caller gives is a call at all; what is wrong with one sequence is not looked at here. */
#ifndef COOLSD_NATIVE_ARGUMENTS_H
#define COOLSD_NATIVE_ARGUMENTS_H

#include "coolsd.h"

namespace coolsd {

/* Every function keeps words for coolsd_last_error() where it does not return COOLSD_OK. */

/* A specification with its table, both as this library knows them; on success its rule is no longer BY_POINTER. */
coolsd_status check(coolsd_verifier_spec& spec);

/* Of a verifier with a checked specification. */
coolsd_status check(const coolsd_verify_args& args, const coolsd_verifier_spec& spec);
coolsd_status check(const coolsd_sample_args& args, const coolsd_verifier_spec& spec);

}  // namespace coolsd

#endif
