/* Where top-k and top-p cut a row: the smallest kept (value, index), found without sorting the row. */
#ifndef COOLSD_NATIVE_CUTOFF_H
#define COOLSD_NATIVE_CUTOFF_H

#include <cstdint>

#include "coolsd.h"

namespace coolsd {

class Law;
struct Scratch;

/*
 * Tokens are ordered by value, largest first, then by index, lowest first. Kept are the first top_k, and of those the
 * shortest leading run with at least top_p of their mass (LlamaGen's order). Temperature 0 keeps the first token.
 */
struct Cutoff {
  struct Request {
    bool any;
    int32_t top_k; /* 1..n */
    double top_p;  /* 0..1 */
  };

  /* What a sampling asks for in a window of n tokens. */
  static Request request(const coolsd_sampling& sampling, int32_t n);

  /* law has its row and largest value. */
  static Cutoff find(const Law& law, const Request& request, Scratch& scratch);

  float value;
  int32_t index;
};

}  // namespace coolsd

#endif
