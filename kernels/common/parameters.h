/*
 * What the host gives the kernels. Pointers are device addresses; shapes as in coolsd.h, whose verify_args this
 * mirrors.
 *
 * Rows are numbered: target row i of sequence b is b (L + 1) + i, draft row i is B (L + 1) + b L + i. A row's window is
 * cut into tiles of kTile tokens whatever the grid, so the grid decides nothing.
 */
#ifndef COOLSD_KERNELS_COMMON_PARAMETERS_H
#define COOLSD_KERNELS_COMMON_PARAMETERS_H

#include <stdint.h>

#include "coolsd.h"
#include "qualifiers.h"

namespace coolsd {

constexpr int kTile = 512;           /* tokens that a warp works on at a time */
constexpr int kMostWarps = 4;        /* of a block */
constexpr int kMostDraftLength = 64; /* as coolsd.h allows */

/* How logits become weights; the device's coolsd_sampling. */
struct LawParameters {
  double scale; /* log2(e) / temperature; 0 if greedy */
  double top_p;
  float guidance;
  int32_t lo, hi; /* the window */
  int32_t top_k;  /* 1..hi - lo */
  bool greedy;    /* temperature 0: only the largest has weight */
  bool cut;       /* cutoffs has what top-k and top-p left of each row */

  COOLSD_HD int32_t tiles() const { return (hi - lo + kTile - 1) / kTile; }
};

struct LanternParameters {
  const int32_t* neighbours; /* [V, k], or NULL: no LANTERN */
  double bound;
  int32_t k;
  bool plus_plus;
  bool optimal;
};

/* Of one tile. Where a logit is NaN or +inf, largest is NaN and sum the row's status. */
struct alignas(8) Partial {
  float largest;
  float sum; /* of exponentials relative to largest; if greedy, the index of the largest */
};

/* Of one tile of the residual, in units of P's exponentials; below 0 minus the status of the draft row. */
struct alignas(8) ResidualPartial {
  float residual;
  float drift;
};

/* Kept are tokens above value, and those equal to it up to index. */
struct alignas(8) Cutoff {
  float value;
  int32_t index;
};

/* Where a cut-off is searched for: after each level of 8 bits, the bits of the key so far. */
struct alignas(8) Selection {
  unsigned long long goal; /* of the total, inside the bin; 0: nothing to cut */
  unsigned prefix;
  unsigned equal;                     /* tokens kept of those with the value found; 0: no cut */
  unsigned present;                   /* tokens with that value */
  unsigned k_key, k_equal, k_present; /* the same for top-k, while top-p is searched for */
};

/* What became of a sequence's draft. */
struct alignas(16) Decision {
  int32_t stop;     /* position of the first rejection or bad row; the draft's length if there is none */
  int32_t status;   /* coolsd_row_status found on the way */
  int32_t rejected; /* whether stop is a rejection */
  int32_t needed;   /* positions whose residual is to be summed */
};

/* Memory between the phases: nothing of size V. Counters are 0 between launches. */
struct Workspace {
  Partial* partials;              /* [rows, tiles] */
  ResidualPartial* residuals;     /* [B, L, tiles] */
  coolsd_normaliser* normalisers; /* [rows]; reserved is the row's status */
  Cutoff* cutoffs;                /* [rows] */
  Decision* decisions;            /* [B] */
  unsigned* row_arrivals;         /* [rows] tiles that are done */
  unsigned* law_arrivals;         /* [B] rows that are done */
  unsigned* residual_arrivals;    /* [B] residual tiles that are done */
  /* Of cut-offs; the first three are 0 between launches too. */
  unsigned* largest_keys;     /* [rows] */
  unsigned* counts;           /* [rows, 256] */
  unsigned long long* masses; /* [rows, 256] */
  Selection* selections;      /* [rows] */
};

struct VerifyParameters {
  int32_t batch, vocab, draft_length; /* draft_length 0: sample */
  int32_t tiles;                      /* the workspace's: at least those of either law */
  int32_t draw_purpose;               /* coolsd_purpose of the token drawn when nothing was rejected */
  coolsd_logits target, target_uncond, draft, draft_uncond;
  LawParameters target_law, draft_law;
  LanternParameters lantern;
  const int32_t* draft_tokens;
  const int32_t* draft_lengths;
  const uint64_t* seeds;
  const uint64_t* positions;
  const coolsd_normaliser* draft_normalisers;
  int32_t* tokens;
  int32_t* accepted; /* or NULL */
  int32_t* status;
  double* drift;
  double* ratio;
  double* log_prob;
  coolsd_normaliser* normalisers; /* out [B] of target row 0, or NULL: what sample returns */
  Workspace workspace;
  float omega[kMostDraftLength];
};

}  // namespace coolsd

#endif
