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

#include "budget.h"
#include "coolsd.h"
#include "qualifiers.h"
#include "sampling.h"

namespace coolsd {

constexpr int kTile = 512;           /* tokens that a warp works on at a time */
constexpr int kMostWarps = 4;        /* of a block */
constexpr int kMostDraftLength = 64; /* as coolsd.h allows */
constexpr int kPackedBytes = 2688;   /* of the small inputs that travel in the parameters */

/* How logits become weights; the device's coolsd_sampling. */
struct LawParameters {
  double scale; /* power_scale() */
  double top_p;
  float guidance;
  int32_t lo, hi; /* the window */
  int32_t top_k;  /* 1..hi - lo */
  bool greedy;    /* temperature 0: only the largest has weight */
  bool cut;       /* cutoffs has what top-k and top-p left of each row */

  COOLSD_HD int32_t tiles() const { return (hi - lo + kTile - 1) / kTile; }
};

/* Of a sampling without fault. */
COOLSD_HD LawParameters law_parameters(const coolsd_sampling& s, int32_t vocab) {
  const Window w = window(s, vocab);
  const CutRequest request = cut_request(s, w.size());
  const bool greedy = s.temperature == 0;
  return {power_scale(s.temperature), request.top_p, s.guidance, w.lo, w.hi, request.top_k, greedy,
          request.any && !greedy};
}

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
  int32_t rejected; /* 0: stop is no rejection; else 1 more than the neighbours that LANTERN pooled there */
  int32_t needed;   /* positions whose residual is to be summed */
  double draw;      /* of verify: the uniform with which the token at stop is drawn */
};

/* Fixed-point sums of one bin of budget.h, in units of 2^-60. */
struct alignas(16) FixedBin {
  unsigned long long excess, mass;
};
constexpr int kFixedBins = kBudgetBins + 1; /* in the last bit s of excess: some tile had the status s */

/*
 * Memory between the phases: nothing of size V. Counters are 0 between launches. Tiles are those of the call's widest
 * window.
 */
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
  /* Of verify_staged; bins are 0 between launches too. */
  FixedBin* bins;             /* [B, L, kFixedBins] */
  float* entropies;           /* [B (L + 1), tiles] sum of e log2(e) of a tile's exponentials e */
  float* factors;             /* [B, L] omega where it is not given */
  double* carried;            /* [B, L + 1] p_i of block verification */
  double* left;               /* [B, L] what Phat has of [P - Q]+ */
  float* accepted;            /* [B, L, tiles] sums of [P - draft Q]+, see block_residual() */
  unsigned long long* wanted; /* [3, B] bit i: what the stage sums at position i */
};

struct VerifyParameters {
  int32_t batch, vocab, draft_length; /* draft_length 0: sample */
  int32_t tiles;                      /* at least those of any law of the call */
  int32_t draw_purpose;               /* coolsd_purpose of the token drawn when nothing was rejected */
  int32_t rule;                       /* coolsd_rule, never by pointer */
  int32_t factor_policy;              /* coolsd_factors */
  float affine;
  float drift_budget;
  bool cut_k, cut_p; /* whether a law of the call may have a top-k, a top-p */
  bool relaxes;      /* whether a factor may be above 1 */
  coolsd_logits target, target_uncond, draft, draft_uncond;
  LawParameters target_law, draft_law;
  LanternParameters lantern;
  /* Inputs: load_input() of inputs.cuh reads them. A value below kPackedBytes is an offset in packed. */
  const int32_t* draft_tokens;
  const int32_t* draft_lengths;
  const uint64_t* seeds;
  const uint64_t* positions;
  const coolsd_normaliser* draft_normalisers;
  const float* call_omega;                 /* NULL: omega below */
  const float* call_budget;                /* NULL: drift_budget */
  const coolsd_sampling* target_samplings; /* NULL: target_law */
  const coolsd_sampling* draft_samplings;  /* NULL: draft_law */
  const int64_t* target_offsets;
  const int64_t* target_uncond_offsets;
  const int64_t* draft_offsets;
  const int64_t* draft_uncond_offsets;
  int32_t* tokens;
  int32_t* accepted; /* or NULL */
  int32_t* status;
  double* drift;
  double* ratio;
  double* log_prob;
  float* factors;
  coolsd_normaliser* normalisers; /* out [B] of target row 0, or NULL: what sample returns */
  Workspace workspace;
  float omega[kMostDraftLength];
  alignas(8) char packed[kPackedBytes];

  /* Whether sums over both rows come before the decision: a kernel of its own, verify_staged. */
  COOLSD_HD bool staged() const {
    return draft_length > 0 && (rule == COOLSD_RULE_BLOCK || factor_policy != COOLSD_FACTORS_GIVEN);
  }
};

static_assert(sizeof(VerifyParameters) <= 4096, "what every architecture takes");

}  // namespace coolsd

#endif
