/* Sums over both rows of a draft position, tile by tile, and draws from them. */
#ifndef COOLSD_KERNELS_COMMON_RESIDUAL_CUH
#define COOLSD_KERNELS_COMMON_RESIDUAL_CUH

#include "choose.cuh"
#include "lantern.h"
#include "reduce.cuh"
#include "rule.h"

namespace coolsd {

/*
 * The factor of a position: given, or in verify_staged where it depends on the rows what the workspace has; there
 * minus the status of a draft row that turned out bad.
 */
template <bool kStaged>
__device__ __forceinline__ float factor(const VerifyParameters& a, const Sequence& s, int i) {
  if (!kStaged || a.factor_policy == COOLSD_FACTORS_GIVEN) return given_omega(a, s, i);
  return load_workspace(a.workspace.factors + static_cast<int64_t>(s.b) * a.draft_length + i);
}

/* Of a token with the probability `own`. */
__device__ __forceinline__ Pooled pooled_probability(const VerifyParameters& a, double own, const Law& p,
                                                     const RowView& row, int token) {
  const int32_t* neighbours = a.lantern.neighbours + static_cast<int64_t>(token) * a.lantern.k;
  return pool(own, a.lantern.k, a.lantern.plus_plus, a.lantern.bound,
              [&](int m) { return probability(p, row, load_global(neighbours + m)); });
}

/* Tokens that can be in the residual or the drift: P's window, but with LANTERN neighbours lend theirs to any token. */
__device__ __forceinline__ int residual_lo(const VerifyParameters& a, const Sequence& s) {
  return a.lantern.optimal ? 0 : s.target.lo;
}
__device__ __forceinline__ int residual_hi(const VerifyParameters& a, const Sequence& s) {
  return a.lantern.optimal ? a.vocab : s.target.hi;
}
__device__ __forceinline__ int residual_tiles(const VerifyParameters& a, const Sequence& s) {
  return (residual_hi(a, s) - residual_lo(a, s) + kTile - 1) / kTile;
}

/* Both rows of a position that is summed. */
struct Position {
  RowView target, draft;
  Law p, q;
  float ratio; /* P's mass by Q's */
  float omega;
  int token;
};

/*
 * For a whole warp. `drafted` unless only P is asked, as behind the last draft position; `factored` unless the factor
 * is yet to be found.
 */
template <bool kStaged>
__device__ __forceinline__ Position position(const VerifyParameters& a, const Sequence& s, int i, bool drafted,
                                             bool factored) {
  /* One lane reads; all of it is on its way before any of it is used. */
  coolsd_normaliser n = {0, 0, 0, 0, 0}, m = {1, 0, 0, 0, 0};
  int token = -1;
  float omega = 0;
  if (lane_id() == 0) {
    n = load_normaliser(a.workspace.normalisers + target_row(a, s.b, i));
    if (drafted) {
      m = draft_normaliser(a, s.b, i);
      token = draft_token(a, s, i);
      if (factored) omega = factor<kStaged>(a, s, i);
    }
  }
  Position at;
  at.target = target_view(a, s, i);
  at.draft = draft_view(a, s, i);
  at.p = law_of(s.target, broadcast(n));
  at.q = law_of(s.draft, broadcast(m));
  if (!drafted) at.q.hi = at.q.lo;
  at.token = broadcast(token);
  at.omega = broadcast(omega);
  /* Beyond this a draft token counts as infinitely likely. */
  at.ratio = static_cast<float>(ScalarOps::smaller(at.p.mass / at.q.mass, 1e37));
  return at;
}

/* Probabilities of one token, in units of P's exponentials. */
struct TokenPair {
  float p, q;
};

/*
 * One tile of both rows: token first + k has the weights x[k] and y[k], in units of P's exponentials, 0 outside its
 * window and behind it up to a multiple of 32. Where P is 0 for good, and not only too small for an f32, x[k] is -0.
 */
struct PairTile {
  const Position& at;
  int first, n;
  float* x;
  float* y;
  int status; /* of the draft's logits */

  /* Tile of the tokens window_lo..window_hi. All lanes. */
  __device__ __forceinline__ PairTile(const Position& position, int window_lo, int window_hi, int tile,
                                      const Buffers& buffers)
      : at(position) {
    first = window_lo + tile * kTile;
    n = min(kTile, window_hi - first);
    x = buffers.target;
    y = buffers.draft;
    const int padded = (n + 31) & ~31;
    bool bad = false;
    /* One row after the other, so that the code stands here once. */
#pragma unroll 1
    for (int row = 0; row < 2; ++row) {
      const bool target = row == 0;
      const Law law = {1,
                       target ? at.p.scale : at.q.scale,
                       target ? at.p.largest : at.q.largest,
                       target ? at.p.cut_value : at.q.cut_value,
                       target ? at.p.cut_index : at.q.cut_index,
                       target ? at.p.lo : at.q.lo,
                       target ? at.p.hi : at.q.hi};
      const RowView view = {target ? at.target.data : at.draft.data, target ? at.target.uncond : at.draft.uncond,
                            target ? at.target.dtype : at.draft.dtype, target ? at.target.guidance : at.draft.guidance};
      const int lo = min(max(law.lo - first, 0), n), hi = max(min(law.hi - first, n), lo);
      float* to = target ? buffers.target : buffers.draft;
      if (lo == hi) {
#pragma unroll 1
        for (int k = lane_id(); k < kTile; k += 32) store_shared(to + k, -0.0f);
        continue;
      }
      const Tile staged = fetch(view, first, lo, hi, to);
      const bool narrow = view.dtype != COOLSD_F32, guided = view.uncond != nullptr, halves = narrow && !guided;
      if (narrow && guided) widen(staged, view.dtype);
      if (guided) guide_by(view, first, staged);
      to = staged.at;
      const float unit = target ? 1 : at.ratio, scale = static_cast<float>(law.scale);
      constexpr int kInFlight = 8;
#pragma unroll 1
      for (int from = 0; from < padded; from += 32 * kInFlight) {
        const int k = from + lane_here();
        const float* floats = to + k;
        const unsigned short* half = staged.half + k;
        float logits[kInFlight];
        if (hi - lo == kTile && !halves) {
#pragma unroll
          for (int j = 0; j < kInFlight; ++j) logits[j] = load_shared(floats + 32 * j);
        } else if (hi - lo == kTile) {
#pragma unroll
          for (int j = 0; j < kInFlight; ++j) logits[j] = from_16_bits(load_shared(half + 32 * j), view.dtype);
        } else {
#pragma unroll
          for (int j = 0; j < kInFlight; ++j) {
            logits[j] = -kInf;
            if (k + 32 * j >= lo && k + 32 * j < hi) {
              logits[j] = halves ? from_16_bits(load_shared(half + 32 * j), view.dtype) : load_shared(floats + 32 * j);
            }
          }
        }
        /* Floats take the place of 16-bit elements that others read, see Tile. */
        __syncwarp();
        float* out = to + k;
        /* Without branches: many are in flight at once. */
#pragma unroll
        for (int j = 0; j < kInFlight; ++j) {
          const float logit = logits[j];
          const float e = exp2_nonpositive((logit - law.largest) * scale) * unit;
          const bool has = (logit > -kInf) & kept(logit, first + k + 32 * j, law.cut_value, law.cut_index);
          const bool good = logit <= law.largest;
          bad = bad | !good;
          /* Below 0, infinite or NaN is what no weight is: as read_status() has it. */
          const float weighed = has ? e : -0.0f, fault = logit < kInf ? -1.0f : logit;
          store_shared(out + 32 * j, good ? weighed : fault);
        }
        __syncwarp();
      }
      x = target ? to : x;
      y = target ? y : to;
    }
    status = __any_sync(kAllLanes, bad) ? read_status(padded) : COOLSD_ROW_OK;
  }

  __device__ __forceinline__ int read_status(int padded) const {
    int found = kEveryIndex;
#pragma unroll 1
    for (int k = lane_id(); k < padded; k += 32) {
      const float v = load_shared(y + k);
      if (v != v) found = min(found, static_cast<int>(COOLSD_ROW_NAN));
      if (v == kInf) found = min(found, static_cast<int>(COOLSD_ROW_INFINITE));
      if (v < 0) found = min(found, static_cast<int>(COOLSD_ROW_NORMALISER));
    }
    return warp_smallest(found);
  }

  /* Of token first + k, for the lane k % 32. */
  __device__ __forceinline__ TokenPair operator()(int k) const { return {load_shared(x + k), load_shared(y + k)}; }
};

/* Sum of one(k) over a tile, in the order that every grid has; all lanes. */
template <typename One>
__device__ __forceinline__ float sum_tile(const PairTile& both, One one) {
  float sum = 0;
#pragma unroll 8
  for (int k = lane_here(); k < ((both.n + 31) & ~31); k += 32) sum += one(k);
  return warp_sum(sum);
}

/* LANTERN's own residual: this many pooled neighbours keep all of P. */
__device__ __forceinline__ void clear_pooled(const VerifyParameters& a, const PairTile& both, int pooled) {
  const int32_t* neighbours = a.lantern.neighbours + static_cast<int64_t>(both.at.token) * a.lantern.k;
  __syncwarp();
  if (lane_id() == 0) {
#pragma unroll 1
    for (int m = 0; m < pooled; ++m) {
      const int k = load_global(neighbours + m) - both.first;
      if (k >= 0 && k < both.n) store_shared(both.y + k, 0);
    }
  }
  __syncwarp();
}

/* [P - Q f]+ and [Q f - P]+ of one token. */
__device__ __forceinline__ ResidualPartial residual_of(const VerifyParameters& a, const PairTile& both, int k) {
  const TokenPair one = both(k);
  const float keeps = 1 - both.at.omega;
  const bool possible = (a.affine == 0) | (__float_as_int(one.p) >= 0);
  const float drifts = drift(one.p, one.q, keeps, a.affine, 0.0f);
  return {residual(one.p, one.q, keeps, a.affine, 0.0f), possible ? drifts : 0};
}

/*
 * LANTERN's optimal residual: P and the mass of P that is accepted take the place of the logits of a tile, as P's
 * exponentials. All lanes.
 */
__device__ __forceinline__ void pool_tile(const VerifyParameters& a, const PairTile& both) {
  const Position& at = both.at;
  __syncwarp();
#pragma unroll 1
  for (int k = lane_id(); k < both.n; k += 32) {
    const int token = both.first + k;
    const double q = probability(at.q, at.draft, token);
    const double law = probability(at.p, at.target, token);
    const double gone = lantern_taken(pooled_probability(a, law, at.p, at.target, token).probability, q);
    store_shared(both.x + k, static_cast<float>(at.p.mass * ScalarOps::larger(law - gone, 0.0)));
    store_shared(both.y + k, static_cast<float>(at.p.mass * ScalarOps::larger(gone - law, 0.0)));
  }
  __syncwarp();
}

/* Of a tile whose draft row has this status. */
template <bool kStaged>
__device__ __forceinline__ ResidualPartial sum_residuals(const VerifyParameters& a, const PairTile& both, int status) {
  if (status != COOLSD_ROW_OK) return {-static_cast<float>(status), 0};
  ResidualPartial sum = {0, 0};
  if (!kStaged && a.lantern.optimal) {
#pragma unroll 1
    for (int k = lane_id(); k < both.n; k += 32) {
      sum.residual += load_shared(both.x + k);
      sum.drift += load_shared(both.y + k);
    }
  } else {
#pragma unroll 8
    for (int k = lane_here(); k < ((both.n + 31) & ~31); k += 32) {
      const ResidualPartial one = residual_of(a, both, k);
      sum.residual += one.residual;
      sum.drift += one.drift;
    }
  }
  return {warp_sum(sum.residual), warp_sum(sum.drift)};
}

/* Sums over the vocabulary, in units of the exponentials of P. */
struct Moments {
  double residual, drift;
  int status; /* of the draft row */
};

__device__ __forceinline__ bool certifies(const VerifyParameters& a) {
  return a.drift != nullptr || a.ratio != nullptr;
}

template <bool kStaged>
__device__ __forceinline__ ResidualPartial* residual_partials(const VerifyParameters& a, const Sequence& s, int i) {
  const int row = kStaged || certifies(a) ? i : 0; /* else there is one position only */
  return a.workspace.residuals + (static_cast<int64_t>(s.b) * a.draft_length + row) * a.tiles;
}

/* The status of the draft row of a position that was summed: the lowest that a tile had. */
template <bool kStaged>
__device__ __forceinline__ int summed_status(const VerifyParameters& a, const Sequence& s, int i) {
  constexpr int kGood = 8;
  const ResidualPartial* partials = residual_partials<kStaged>(a, s, i);
  int found = kGood;
#pragma unroll 4
  for (int t = lane_id(); t < residual_tiles(a, s); t += 32) {
    const float one = load_workspace(&partials[t].residual);
    found = one < 0 ? min(found, static_cast<int>(-one)) : found;
  }
  return __any_sync(kAllLanes, found != kGood) ? warp_smallest(found) : COOLSD_ROW_OK;
}

template <bool kStaged>
__device__ __forceinline__ Moments moments(const VerifyParameters& a, const Sequence& s, int i) {
  constexpr int kGood = 8;
  const ResidualPartial* partials = residual_partials<kStaged>(a, s, i);
  Moments sum = {0, 0, kGood};
#pragma unroll 2
  for (int t = lane_id(); t < residual_tiles(a, s); t += 32) {
    const ResidualPartial one = load_pair<ResidualPartial>(partials + t);
    if (one.residual < 0) sum.status = min(sum.status, static_cast<int>(-one.residual));
    sum.residual += static_cast<double>(one.residual);
    sum.drift += static_cast<double>(one.drift);
  }
  const int status = warp_smallest(sum.status);
  return {warp_sum(sum.residual), warp_sum(sum.drift), status == kGood ? COOLSD_ROW_OK : status};
}

}  // namespace coolsd

#endif
