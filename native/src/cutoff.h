/* Where top-k and top-p cut a row: the smallest kept (value, index), found without sorting the row. */
#ifndef COOLSD_NATIVE_CUTOFF_H
#define COOLSD_NATIVE_CUTOFF_H

#include <cstdint>
#include <limits>

#include "common/sampling.h"
#include "row.h"
#include "simd/simd.h"

namespace coolsd {

struct Scratch;

/*
 * Tokens are ordered by value, largest first, then by index, lowest first. Kept are the first top_k, and of those the
 * shortest leading run with at least top_p of their mass (LlamaGen's order). Temperature 0 keeps the first token.
 */
struct CandidateCutoff {
  /* A bound that the largest top_k of a window most likely reach, and few others. */
  static float guess(const Row& row, int32_t lo, int32_t n, int32_t k, Scratch& scratch);

  /* Values of a window in order, in the scratch, among them the largest top_k. */
  struct Candidates {
    int32_t count;
    float least, largest;
  };

  static constexpr int32_t kEnd = std::numeric_limits<int32_t>::max();

  /* Where to cut the candidates; e is their exponential. */
  static CandidateCutoff find(const Candidates& all, const CutRequest& request, const simd::Exponential& e,
                              Scratch& scratch);

  float value;       /* kept are larger candidates */
  int32_t candidate; /* and equal ones up to this */
};

}  // namespace coolsd

#endif
