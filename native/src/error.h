/* The words behind coolsd_last_error(). */
#ifndef COOLSD_NATIVE_ERROR_H
#define COOLSD_NATIVE_ERROR_H

#include "coolsd.h"

namespace coolsd {

/* Keeps a printf-formatted message for this thread and returns the status. */
[[gnu::format(printf, 2, 3)]] coolsd_status fail(coolsd_status status, const char* format, ...);

}  // namespace coolsd

#endif
