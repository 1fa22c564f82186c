#include "error.h"

#include <cstdarg>
#include <cstdio>

namespace {
thread_local char message[512] = "";
}

namespace coolsd {

coolsd_status fail(coolsd_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace coolsd

const char* coolsd_last_error(void) { return message; }
