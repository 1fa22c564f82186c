/* Where in the kernel's source something happened, filled in by the compiler at the call. */
#ifndef COOLSD_SIMT_SITE_H
#define COOLSD_SIMT_SITE_H

#include <cstring>

namespace coolsd::simt {

struct Site {
  const char* file = "";
  int line = 0;

  /* As a default argument: the place of the outermost call. */
  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }

  bool operator==(const Site& other) const {
    return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
  }
};

}  // namespace coolsd::simt

#endif
