/* Sums over both rows of a draft position, tile by tile, and draws from them. */
#ifndef COOLSD_KERNELS_COMMON_RESIDUAL_CUH
#define COOLSD_KERNELS_COMMON_RESIDUAL_CUH

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

__device__ __forceinline__ Pooled pooled_probability(const VerifyParameters& a, const Law& p, const RowView& row,
                                                     int token) {
  const int32_t* neighbours = a.lantern.neighbours + static_cast<int64_t>(token) * a.lantern.k;
  return pool(probability(p, row, token), a.lantern.k, a.lantern.plus_plus, a.lantern.bound,
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
  int pooled; /* LANTERN's own residual: neighbours that count as Q = 0; else 0 */
};

/* For a whole warp; `factored` unless the factor is yet to be found. */
template <bool kStaged>
__device__ __forceinline__ Position position(const VerifyParameters& a, const Sequence& s, int i,
                                             bool factored = true) {
  Position at;
  at.target = target_view(a, s, i);
  at.draft = draft_view(a, s, i);
  at.p = target_law(a, s, i);
  at.token = load_input_once(a, a.draft_tokens + static_cast<int64_t>(s.b) * a.draft_length + i);
  coolsd_normaliser n = {0, 0, 0, 0, 0};
  if (lane_id() == 0) n = draft_normaliser(a, s.b, i);
  at.q = law_of(s.draft, broadcast(n));
  /* Beyond this a draft token counts as infinitely likely. */
  at.ratio = static_cast<float>(ScalarOps::smaller(at.p.mass / at.q.mass, 1e37));
  at.omega = factored && lane_id() == 0 ? factor<kStaged>(a, s, i) : 0;
  at.omega = broadcast(at.omega);
  at.pooled = 0;
  if (!kStaged && a.lantern.neighbours != nullptr && !a.lantern.optimal) {
    if (lane_id() == 0) at.pooled = pooled_probability(a, at.p, at.target, at.token).neighbours;
    at.pooled = broadcast(at.pooled);
  }
  return at;
}

/* Probabilities of one token, in units of P's exponentials. */
struct TokenPair {
  float p, q;
};

/* One tile of both rows, staged; token first + k is x[k] and y[k], each where its window has it. */
struct PairTile {
  const Position& at;
  int first, n;
  int p_from, p_to; /* the part inside the target's window */
  int from, to;     /* the part inside the draft's window */
  float* x;
  float* y;

  __device__ PairTile(const VerifyParameters& a, const Sequence& s, const Position& position, int tile,
                      const Buffers& buffers)
      : at(position) {
    first = residual_lo(a, s) + tile * kTile;
    n = min(kTile, residual_hi(a, s) - first);
    p_from = min(max(at.p.lo - first, 0), n);
    p_to = max(min(at.p.hi - first, n), p_from);
    from = min(max(at.q.lo - first, 0), n);
    to = max(min(at.q.hi - first, n), from);
    x = stage(at.target, first + p_from, p_to - p_from, buffers.target) - p_from;
    y = stage(at.draft, first + from, to - from, buffers.draft) - from;
  }

  /* Status of the draft's logits in this tile; all lanes. */
  __device__ int status() const {
    constexpr int kGood = 8;
    int found = kGood;
    for (int k = from + lane_id(); k < to; k += 32) {
      const int one = logit_status(load_shared(y + k), at.q.largest);
      if (one != COOLSD_ROW_OK) found = min(found, one);
    }
    found = warp_smallest(found);
    return found == kGood ? COOLSD_ROW_OK : found;
  }

  /* Whether P > 0 of token first + k, also where it is too small for an f32. */
  __device__ __forceinline__ bool possible(int k) const {
    if (k < p_from || k >= p_to) return false;
    const float logit = load_shared(x + k);
    return logit > -kInf && kept(logit, first + k, at.p.cut_value, at.p.cut_index);
  }

  /* Of token first + k. */
  __device__ __forceinline__ TokenPair operator()(int k) const {
    const int token = first + k;
    const float p = k < p_from || k >= p_to ? 0 : weight(at.p, load_shared(x + k), token);
    const float q = k < from || k >= to ? 0 : weight(at.q, load_shared(y + k), token) * at.ratio;
    return {p, q};
  }
};

/* Sum of one(k) over a tile, in the order that every grid has; all lanes. */
template <typename One>
__device__ __forceinline__ float sum_tile(const PairTile& both, One one) {
  float sum = 0;
  for (int k = lane_id(); k < both.n; k += 32) sum += one(k);
  return warp_sum(sum);
}

/* LANTERN's own residual: pooled neighbours keep all of P. */
__device__ __forceinline__ void clear_pooled(const VerifyParameters& a, const PairTile& both) {
  if (both.at.pooled == 0) return;
  const int32_t* neighbours = a.lantern.neighbours + static_cast<int64_t>(both.at.token) * a.lantern.k;
  __syncwarp();
  if (lane_id() == 0) {
    for (int m = 0; m < both.at.pooled; ++m) {
      const int k = load_global(neighbours + m) - both.first;
      if (k >= both.from && k < both.to) store_shared(both.y + k, -kInf);
    }
  }
  __syncwarp();
}

/* [P - Q f]+ and [Q f - P]+ of one token. */
template <bool kStaged>
__device__ __forceinline__ ResidualPartial residual_of(const VerifyParameters& a, const PairTile& both, int k) {
  const Position& at = both.at;
  if (!kStaged && a.lantern.optimal) {
    const int token = both.first + k;
    const Pooled pooled = pooled_probability(a, at.p, at.target, token);
    const double law = probability(at.p, at.target, token);
    const double gone = lantern_taken(pooled.probability, probability(at.q, at.draft, token));
    return {static_cast<float>(at.p.mass * ScalarOps::larger(law - gone, 0.0)),
            static_cast<float>(at.p.mass * ScalarOps::larger(gone - law, 0.0))};
  }
  const TokenPair one = both(k);
  const float keeps = 1 - at.omega;
  if (a.affine == 0) return {residual(one.p, one.q, keeps, 0.0f), drift(one.p, one.q, keeps, 0.0f)};
  return {residual(one.p, one.q, keeps, a.affine, 0.0f),
          both.possible(k) ? drift(one.p, one.q, keeps, a.affine, 0.0f) : 0};
}

/* Of a tile whose draft row has this status. */
template <bool kStaged>
__device__ __forceinline__ ResidualPartial sum_residuals(const VerifyParameters& a, const PairTile& both, int status) {
  if (status != COOLSD_ROW_OK) return {-static_cast<float>(status), 0};
  ResidualPartial sum = {0, 0};
  for (int k = lane_id(); k < both.n; k += 32) {
    const ResidualPartial one = residual_of<kStaged>(a, both, k);
    sum.residual += one.residual;
    sum.drift += one.drift;
  }
  return {warp_sum(sum.residual), warp_sum(sum.drift)};
}

/* Sums over the vocabulary, P and Q normalised. */
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

template <bool kStaged>
__device__ __forceinline__ Moments moments(const VerifyParameters& a, const Sequence& s, int i, double mass) {
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
  return {warp_sum(sum.residual) / mass, warp_sum(sum.drift) / mass, status == kGood ? COOLSD_ROW_OK : status};
}

/*
 * Inverse CDF at u of what was summed at a position, by one warp: a tile by tile_sum(t), then a token in it by the
 * weights that weights(tile, k) gives; -1 where all is 0.
 */
template <bool kStaged, typename TileSum, typename Weight>
__device__ __forceinline__ int draw_summed(const VerifyParameters& a, const Sequence& s, int i, double u,
                                           const Buffers& buffers, TileSum tile_sum, Weight weights) {
  const Place tile = choose(residual_tiles(a, s), u, tile_sum);
  if (tile.index < 0) return -1;
  const Position at = position<kStaged>(a, s, i);
  const PairTile both(a, s, at, tile.index, buffers);
  clear_pooled(a, both);
  const double inside = (u * tile.total - tile.before) / tile_sum(tile.index);
  const Place token = choose(both.n, inside, [&](int k) { return static_cast<double>(weights(both, k)); });
  return both.first + token.index;
}

}  // namespace coolsd

#endif
