/* From logits to normalisers: tiles of rows, combined by the warp that brings a row's last one; and a draw from P. */
#ifndef COOLSD_KERNELS_COMMON_REDUCE_CUH
#define COOLSD_KERNELS_COMMON_REDUCE_CUH

#include "logit.h"
#include "sequence.cuh"

namespace coolsd {

/* Structs of two floats, moved as one word of 8 bytes. */
template <typename Pair>
__device__ __forceinline__ Pair load_pair(const Pair* p) {
  const float2 v = load_workspace(reinterpret_cast<const float2*>(p));
  return {v.x, v.y};
}
__device__ __forceinline__ float2 pair_of(const Partial& p) { return {p.largest, p.sum}; }
__device__ __forceinline__ float2 pair_of(const ResidualPartial& p) { return {p.residual, p.drift}; }
template <typename Pair>
__device__ __forceinline__ void store_pair(Pair* p, const Pair& v) {
  store_workspace(reinterpret_cast<float2*>(p), pair_of(v));
}

/* Buffers of one warp. */
struct Buffers {
  float* target;
  float* draft;
};

/* Counts an arrival; the warp that is last of `all` learns what the others wrote, and puts the counter back. */
__device__ __forceinline__ bool arrive(unsigned* counter, unsigned all) {
  unsigned before = 0;
  if (lane_id() == 0) before = add_release(counter, 1);
  const bool last = __shfl_sync(kAllLanes, before, 0) == all - 1;
  if (!last) return false;
  if (lane_id() == 0) {
    __threadfence();
    store_workspace(counter, 0);
  }
  __syncwarp();
  return true;
}

/* One tile; where it weighs also the sum of e log2(e) of its exponentials e. */
template <bool kWeighs>
__device__ __forceinline__ Partial reduce_tile(const RowView& row, const LawParameters& l, const Cutoff& cut, int tile,
                                               float* buffer, bool weighs, float* entropy) {
  constexpr int kEach = kTile / 32;
  const int first = l.lo + tile * kTile;
  const int n = min(kTile, l.hi - first);
  const float* x = stage(row, first, n, buffer);
  float mine[kEach];
  float largest = -kInf;
  bool bad = false;
#pragma unroll
  for (int k = 0; k < kEach; ++k) {
    const int i = 32 * k + lane_id();
    mine[k] = i < n ? load_shared(x + i) : -kInf;
    bad = bad || !(mine[k] < kInf);
    largest = mine[k] > largest ? mine[k] : largest;
  }
  if (__any_sync(kAllLanes, bad)) {
    /* The first bad token says what it is. */
    int found = kEveryIndex;
#pragma unroll
    for (int k = kEach - 1; k >= 0; --k) {
      if (!(mine[k] < kInf)) found = (32 * k + lane_id()) * 8 + logit_status(mine[k]);
    }
    return {__uint_as_float(0x7fc00000u), static_cast<float>(warp_smallest(found) % 8)};
  }
  largest = warp_largest(largest);
  if (l.greedy) {
    int index = kEveryIndex;
#pragma unroll
    for (int k = kEach - 1; k >= 0; --k) {
      if (mine[k] == largest) index = 32 * k + lane_id();
    }
    return {largest, static_cast<float>(first + warp_smallest(index))};
  }
  float sum = 0, weighed = 0;
  if (largest != -kInf) {
    const float scale = static_cast<float>(l.scale);
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const float t = (mine[k] - largest) * scale;
      const float e = exp2_nonpositive(t);
      if (kept(mine[k], first + 32 * k + lane_id(), cut.value, cut.index)) {
        sum += e;
        if (kWeighs && weighs && e > 0) weighed += e * t;
      }
    }
  }
  if (kWeighs && weighs) *entropy = warp_sum(weighed);
  return {largest, warp_sum(sum)};
}

/* A sum relative to one largest logit, relative to another that is no smaller. */
__device__ __forceinline__ double tile_weight(double sum, float largest, float to, double scale) {
  return sum > 0 ? sum * exp2((static_cast<double>(largest) - static_cast<double>(to)) * scale) : 0;
}
__device__ __forceinline__ double tile_weight(const Partial& p, float to, double scale) {
  return tile_weight(static_cast<double>(p.sum), p.largest, to, scale);
}

/* All tiles of a row together, by one warp. */
__device__ __forceinline__ coolsd_normaliser combine_row(const VerifyParameters& a, const LawParameters& l, int row) {
  const Partial* partials = a.workspace.partials + static_cast<int64_t>(row) * a.tiles;
  const int tiles = l.tiles();
  float largest = -kInf;
  double mass = 0; /* relative to this lane's largest; if greedy, the index of the largest */
  int bad = kEveryIndex;
  for (int t = lane_id(); t < tiles; t += 32) {
    const Partial p = load_pair<Partial>(partials + t);
    if (p.largest != p.largest) bad = min(bad, t * 8 + static_cast<int>(p.sum));
    if (l.greedy) {
      if (p.largest > largest) mass = static_cast<double>(p.sum);
    } else if (p.largest > largest) {
      mass = static_cast<double>(p.sum) + tile_weight(mass, largest, p.largest, l.scale);
    } else {
      mass += tile_weight(p.sum, p.largest, largest, l.scale);
    }
    if (p.largest > largest) largest = p.largest;
  }
  bad = warp_smallest(bad);
  coolsd_normaliser n = {1, warp_largest(largest), -kInf, kEveryIndex, COOLSD_ROW_OK};
  if (bad != kEveryIndex) {
    n.reserved = bad % 8;
  } else if (n.largest == -kInf) {
    n.reserved = COOLSD_ROW_EMPTY;
  } else if (l.greedy) {
    n.cut_value = n.largest;
    n.cut_index = warp_smallest(largest == n.largest ? static_cast<int>(mass) : kEveryIndex);
  } else {
    n.mass = warp_sum(tile_weight(mass, largest, n.largest, l.scale));
    if (l.cut) {
      n.cut_value = load_workspace(&a.workspace.cutoffs[row].value);
      n.cut_index = load_workspace(&a.workspace.cutoffs[row].index);
    }
  }
  return n;
}

/*
 * omega = 1 + (given - 1) H(P) / log(tokens of the window), after a target row that has this normaliser; by the warp
 * that combined it.
 */
__device__ __forceinline__ void find_entropy(const VerifyParameters& a, const Sequence& s, int i,
                                             const coolsd_normaliser& n) {
  const int64_t first = static_cast<int64_t>(target_row(a, s.b, i)) * a.tiles;
  const int tokens = s.target.hi - s.target.lo;
  double sum = 0; /* of e log2(e), relative to the row's largest */
  const bool sums = n.reserved == COOLSD_ROW_OK && !s.target.greedy && tokens > 1;
  for (int t = lane_id(); sums && t < s.target.tiles(); t += 32) {
    const Partial p = load_pair<Partial>(a.workspace.partials + first + t);
    if (!(p.sum > 0)) continue;
    const double below = (static_cast<double>(p.largest) - static_cast<double>(n.largest)) * s.target.scale;
    const double weighed = static_cast<double>(load_workspace(a.workspace.entropies + first + t));
    sum += exp2(below) * (weighed + below * static_cast<double>(p.sum));
  }
  sum = warp_sum(sum);
  double share = 0;
  if (sums) share = (log2(n.mass) - sum / n.mass) / log2(static_cast<double>(tokens));
  share = share > 1 ? 1 : share > 0 ? share : 0;
  const double omega = 1 + (static_cast<double>(given_omega(a, s, i)) - 1) * share;
  if (lane_id() != 0) return;
  store_workspace(a.workspace.factors + static_cast<int64_t>(s.b) * a.draft_length + i, static_cast<float>(omega));
}

/* Tiles of all rows. */
__device__ __forceinline__ int64_t row_tiles(const VerifyParameters& a) {
  const int rows = a.batch * (a.draft_length + 1) + (a.draft_normalisers == nullptr ? a.batch * a.draft_length : 0);
  return static_cast<int64_t>(rows) * a.tiles;
}

/*
 * Phase 1: one tile of row_tiles(), and what it completes. True for the warp that brings the last one of a sequence,
 * which then is *s; of a sequence whose inputs are refused there is one.
 */
template <bool kStaged>
__device__ __forceinline__ bool reduce(const VerifyParameters& a, int64_t item, float* buffer, Sequence* s) {
  const int target_rows = a.batch * (a.draft_length + 1);
  const int row = static_cast<int>(item / a.tiles), tile = static_cast<int>(item % a.tiles);
  const bool target = row < target_rows;
  const int per_sequence = target ? a.draft_length + 1 : a.draft_length;
  const int place = target ? row : row - target_rows;
  const int b = place / per_sequence, i = place % per_sequence;
  *s = sequence(a, b);
  if (s->status != COOLSD_ROW_OK) return row == target_row(a, b, 0) && tile == 0;
  const LawParameters l = target ? s->target : s->draft;
  if (i >= s->length + (target ? 1 : 0) || tile >= l.tiles()) return false;
  Cutoff cut = {-kInf, kEveryIndex};
  if (l.cut) {
    if (lane_id() == 0) {
      cut = {load_workspace(&a.workspace.cutoffs[row].value), load_workspace(&a.workspace.cutoffs[row].index)};
    }
    cut = {broadcast(cut.value), broadcast(cut.index)};
  }
  const RowView view = target ? target_view(a, *s, i) : draft_view(a, *s, i);
  float entropy = 0;
  const bool weighs = kStaged && target && i < s->length && a.factor_policy == COOLSD_FACTORS_ENTROPY;
  const Partial partial = reduce_tile<kStaged>(view, l, cut, tile, buffer, weighs, &entropy);
  if (lane_id() == 0) {
    store_pair(a.workspace.partials + item, partial);
    if (weighs) store_workspace(a.workspace.entropies + item, entropy);
  }
  if (!arrive(a.workspace.row_arrivals + row, static_cast<unsigned>(l.tiles()))) return false;
  const coolsd_normaliser n = combine_row(a, l, row);
  if (lane_id() == 0) store_normaliser(a.workspace.normalisers + row, n);
  if (weighs) find_entropy(a, *s, i, n);
  const int all = s->length + 1 + (a.draft_normalisers == nullptr ? s->length : 0);
  return arrive(a.workspace.law_arrivals + b, static_cast<unsigned>(all));
}

/* For a whole warp. */
__device__ __forceinline__ Law target_law(const VerifyParameters& a, const Sequence& s, int i) {
  return law_of(s.target, load_normaliser_once(a.workspace.normalisers + target_row(a, s.b, i)));
}

/* Of a draft row, from the caller or the workspace. */
__device__ __forceinline__ coolsd_normaliser draft_normaliser(const VerifyParameters& a, int b, int i) {
  if (a.draft_normalisers == nullptr) return load_normaliser(a.workspace.normalisers + draft_row(a, b, i));
  const coolsd_normaliser* given = a.draft_normalisers + static_cast<int64_t>(b) * a.draft_length + i;
  return {load_input(a, &given->mass), load_input(a, &given->largest), load_input(a, &given->cut_value),
          load_input(a, &given->cut_index), COOLSD_ROW_OK};
}

/* What is wrong with a draft row, as far as its normaliser and one token show. */
__device__ __forceinline__ int draft_status(const VerifyParameters& a, const Sequence& s, const coolsd_normaliser& n,
                                            const RowView& row, int token) {
  if (a.draft_normalisers == nullptr) return n.reserved;
  if (!sane(n)) return COOLSD_ROW_NORMALISER;
  if (token < s.draft.lo || token >= s.draft.hi) return COOLSD_ROW_OK;
  return logit_status(value(row, token), n.largest);
}

/* Inverse CDF of P at u, by one warp: a tile by the tiles' sums, then a token in it. */
__device__ __forceinline__ int draw_target(const VerifyParameters& a, const Sequence& s, int i, double u,
                                           float* buffer) {
  const int row = target_row(a, s.b, i);
  const coolsd_normaliser n = load_normaliser_once(a.workspace.normalisers + row);
  if (s.target.greedy) return n.cut_index;
  const Law p = law_of(s.target, n);
  const Partial* partials = a.workspace.partials + static_cast<int64_t>(row) * a.tiles;
  const Place tile = choose(s.target.tiles(), u,
                            [&](int t) { return tile_weight(load_pair<Partial>(partials + t), n.largest, p.scale); });
  const Partial chosen = load_pair<Partial>(partials + tile.index);
  const double inside = (u * tile.total - tile.before) / tile_weight(chosen, n.largest, p.scale);
  const int first = p.lo + tile.index * kTile;
  const int size = min(kTile, p.hi - first);
  const float* x = stage(target_view(a, s, i), first, size, buffer);
  Law of_tile = p;
  of_tile.largest = chosen.largest;
  const Place token =
      choose(size, inside, [&](int k) { return static_cast<double>(weight(of_tile, load_shared(x + k), first + k)); });
  return first + token.index;
}

}  // namespace coolsd

#endif
