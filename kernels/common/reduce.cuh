/* From logits to normalisers: tiles of rows, combined by the warp that brings a row's last one. */
#ifndef COOLSD_KERNELS_COMMON_REDUCE_CUH
#define COOLSD_KERNELS_COMMON_REDUCE_CUH

#include "logit.h"
#include "power.h"
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

/* The first bad token of a staged tile, as its index times 8 and its status; kEveryIndex if there is none. */
__device__ __forceinline__ int first_bad(const float* x, int n) {
  int found = kEveryIndex;
#pragma unroll 1
  for (int i = lane_id(); i < n; i += 32) {
    const float v = load_shared(x + i);
    if (!(v < kInf)) found = min(found, i * 8 + logit_status(v));
  }
  return warp_smallest(found);
}

/* One tile; where it weighs also the sum of e log2(e) of its exponentials e. */
template <bool kWeighs>
__device__ __forceinline__ Partial reduce_tile(const RowView& row, const LawParameters& l, const Cutoff& cut, int tile,
                                               float* buffer, bool weighs, float* entropy) {
  constexpr int kEach = kTile / 32;
  const int first = l.lo + tile * kTile;
  const int n = min(kTile, l.hi - first);
  const Tile here = fetch(row, first, 0, n, buffer);
  const float scale = static_cast<float>(l.scale);
  const bool plain = !l.cut && !l.greedy && !(kWeighs && weighs);
  const bool narrow = row.dtype != COOLSD_F32, unguided = row.uncond == nullptr;
  if (narrow && !(plain && unguided)) widen(here, row.dtype);
  if (!unguided) guide_by(row, first, here);
  const bool halves = narrow && plain && unguided;
  if (n < kTile) {
    /* Masked, of either width. */
#pragma unroll 1
    for (int i = n + lane_id(); i < kTile; i += 32) {
      if (halves) {
        store_shared(here.half + i, static_cast<unsigned short>(row.dtype == COOLSD_BF16 ? 0xff80 : 0xfc00));
      } else {
        store_shared(here.at + i, -kInf);
      }
    }
    __syncwarp();
  }
  float mine[kEach];
  const float* floats = here.at + lane_here();
  const unsigned short* half = here.half + lane_here();
  if (!halves) {
#pragma unroll
    for (int k = 0; k < kEach; ++k) mine[k] = load_shared(floats + 32 * k);
  } else if (row.dtype == COOLSD_BF16) {
#pragma unroll
    for (int k = 0; k < kEach; ++k) mine[k] = from_16_bits(load_shared(half + 32 * k), COOLSD_BF16);
  } else {
#pragma unroll
    for (int k = 0; k < kEach; ++k) mine[k] = from_16_bits(load_shared(half + 32 * k), COOLSD_F16);
  }
  float largest = -kInf; /* never NaN: it is ignored here */
#pragma unroll
  for (int k = 0; k < kEach; ++k) largest = fmaxf(largest, mine[k]);
  largest = warp_largest(largest);
  if (plain) {
    float sum = 0;
#pragma unroll
    for (int k = 0; k < kEach; ++k) sum += exp2_nonpositive((mine[k] - largest) * scale);
    sum = warp_sum(sum);
    /* NaN is what a NaN leaves here, and what a largest logit that is infinite does, of either sign. */
    if (sum == sum) return {largest, sum};
  }
  if (largest == -kInf) {
    bool nan = false;
#pragma unroll
    for (int k = 0; k < kEach; ++k) nan = nan || mine[k] != mine[k];
    if (!__any_sync(kAllLanes, nan)) return {largest, 0}; /* masked */
  }
  if (halves) widen(here, row.dtype);
  const float* x = here.at;
  const int bad = first_bad(x, n);
  if (bad != kEveryIndex) return {__uint_as_float(0x7fc00000u), static_cast<float>(bad % 8)};
  if (l.greedy) {
    int index = kEveryIndex;
#pragma unroll 1
    for (int i = lane_id(); i < n; i += 32) index = load_shared(x + i) == largest ? min(index, i) : index;
    return {largest, static_cast<float>(first + warp_smallest(index))};
  }
  float sum = 0, weighed = 0;
#pragma unroll 4
  for (int i = lane_id(); i < n; i += 32) {
    const float v = load_shared(x + i);
    const float t = (v - largest) * scale;
    const float power = exp2_nonpositive(t);
    const float e = kept(v, first + i, cut.value, cut.index) ? power : 0;
    sum += e;
    if (kWeighs) weighed += e > 0 ? e * t : 0;
  }
  if (kWeighs) *entropy = warp_sum(weighed);
  return {largest, warp_sum(sum)};
}

/*
 * All tiles of a row together, by one warp; the tiles' sums become weights relative to the row's largest logit.
 * `buffer` keeps what was read of up to kKept tiles.
 */
__device__ __forceinline__ coolsd_normaliser combine_row(const VerifyParameters& a, const LawParameters& l, int row,
                                                         float* buffer) {
  constexpr int kKept = kTileBuffer;
  Partial* partials = a.workspace.partials + static_cast<int64_t>(row) * a.tiles;
  float2* kept_ones = reinterpret_cast<float2*>(buffer);
  const int tiles = l.tiles();
  float largest = -kInf;
  int bad = kEveryIndex;
  constexpr int kInFlight = 8;
#pragma unroll 1
  for (int from = lane_here(); from < tiles; from += 32 * kInFlight) {
    Partial p[kInFlight];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      p[k] = {-kInf, 0};
      if (from + 32 * k < tiles) p[k] = load_pair<Partial>(partials + from + 32 * k);
    }
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      const int t = from + 32 * k;
      if (t < kKept) store_shared(kept_ones + t, pair_of(p[k]));
      const bool faulty = p[k].largest != p[k].largest;
      const int fault = t * 8 + static_cast<int>(p[k].sum);
      bad = min(bad, faulty ? fault : kEveryIndex);
      largest = fmaxf(largest, p[k].largest);
    }
  }
  coolsd_normaliser n = {1, warp_largest(largest), -kInf, kEveryIndex, COOLSD_ROW_OK};
  if (__any_sync(kAllLanes, bad != kEveryIndex)) {
    n.reserved = warp_smallest(bad) % 8;
    return n;
  }
  if (n.largest == -kInf) {
    n.reserved = COOLSD_ROW_EMPTY;
    return n;
  }
  const auto partial = [&](int t) {
    return t < kKept ? load_shared(kept_ones + t) : load_workspace(reinterpret_cast<const float2*>(partials + t));
  };
  if (l.greedy) {
    int index = kEveryIndex; /* of the largest */
#pragma unroll 1
    for (int t = lane_id(); t < tiles; t += 32) {
      const float2 p = partial(t);
      index = p.x == n.largest ? min(index, static_cast<int>(p.y)) : index;
    }
    n.cut_value = n.largest;
    n.cut_index = warp_smallest(index);
    return n;
  }
  double mass = 0;
  const auto add = [&](int t, const float2& p) {
    const double below = (static_cast<double>(p.x) - static_cast<double>(n.largest)) * l.scale;
    const double weight = static_cast<double>(p.y) * nonpositive_power(below);
    store_workspace(&partials[t].sum, static_cast<float>(weight));
    mass += weight;
  };
  const int kept_here = min(tiles, kKept);
#pragma unroll 4
  for (int t = lane_here(); t < kept_here; t += 32) add(t, load_shared(kept_ones + t));
#pragma unroll 1
  for (int t = lane_id(); t < tiles; t += 32) {
    if (t >= kKept) add(t, partial(t));
  }
  /* What every lane has stored is announced with what one lane does. */
  __syncwarp();
  n.mass = warp_sum(mass);
  if (l.cut) {
    n.cut_value = load_workspace(&a.workspace.cutoffs[row].value);
    n.cut_index = load_workspace(&a.workspace.cutoffs[row].index);
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
#pragma unroll 1
  for (int t = lane_id(); sums && t < s.target.tiles(); t += 32) {
    const Partial p = load_pair<Partial>(a.workspace.partials + first + t);
    if (!(p.sum > 0)) continue;
    const double below = (static_cast<double>(p.largest) - static_cast<double>(n.largest)) * s.target.scale;
    const double weighed = static_cast<double>(load_workspace(a.workspace.entropies + first + t));
    sum += nonpositive_power(below) * weighed + below * static_cast<double>(p.sum);
  }
  sum = warp_sum(sum);
  double share = 0;
  if (sums) share = (log2(n.mass) - sum / n.mass) / log2(static_cast<double>(tokens));
  share = share > 1 ? 1 : share > 0 ? share : 0;
  const double omega = 1 + (static_cast<double>(given_omega(a, s, i)) - 1) * share;
  if (lane_id() != 0) return;
  store_workspace(a.workspace.factors + static_cast<int64_t>(s.b) * a.draft_length + i, static_cast<float>(omega));
}

/* Tiles of all rows; the host sees to it that they are fewer than 2^31. */
__device__ __forceinline__ unsigned row_tiles(const VerifyParameters& a) {
  const int rows = a.batch * (a.draft_length + 1) + (a.draft_normalisers == nullptr ? a.batch * a.draft_length : 0);
  return static_cast<unsigned>(rows) * static_cast<unsigned>(a.tiles);
}

/* One tile of a row: of what, where. */
struct Item {
  int b, i, tile;
  bool target;
};

/* Of row_tiles(). */
__device__ __forceinline__ Item row_item(const VerifyParameters& a, unsigned item) {
  const unsigned tiles = static_cast<unsigned>(a.tiles);
  const int target_rows = a.batch * (a.draft_length + 1);
  const int row = static_cast<int>(item / tiles), tile = static_cast<int>(item % tiles);
  const bool target = row < target_rows;
  const int per_sequence = target ? a.draft_length + 1 : a.draft_length;
  const int place = target ? row : row - target_rows;
  const int b = a.batch == 1 ? 0 : place / per_sequence;
  return {b, place - b * per_sequence, tile, target};
}

/*
 * Phase 1: one tile, and what it completes. True for the warp that brings the last one of the sequence; of a sequence
 * whose inputs are refused there is one.
 */
template <bool kStaged>
__device__ __forceinline__ bool reduce(const VerifyParameters& a, const Item& item, const Sequence& s, float* buffer) {
  const int b = item.b, i = item.i, tile = item.tile;
  const bool target = item.target;
  if (s.status != COOLSD_ROW_OK) return target && i == 0 && tile == 0;
  const LawParameters l = target ? s.target : s.draft;
  if (i >= s.length + (target ? 1 : 0) || tile >= l.tiles()) return false;
  const int row = target ? target_row(a, b, i) : draft_row(a, b, i);
  Cutoff cut = {-kInf, kEveryIndex};
  if (l.cut) {
    if (lane_id() == 0) {
      cut = {load_workspace(&a.workspace.cutoffs[row].value), load_workspace(&a.workspace.cutoffs[row].index)};
    }
    cut = {broadcast(cut.value), broadcast(cut.index)};
  }
  const RowView view = target ? target_view(a, s, i) : draft_view(a, s, i);
  float entropy = 0;
  const bool weighs = kStaged && target && i < s.length && a.factor_policy == COOLSD_FACTORS_ENTROPY;
  const Partial partial = reduce_tile<kStaged>(view, l, cut, tile, buffer, weighs, &entropy);
  const int64_t at = static_cast<int64_t>(row) * a.tiles + tile;
  if (lane_id() == 0) {
    store_pair(a.workspace.partials + at, partial);
    if (weighs) store_workspace(a.workspace.entropies + at, entropy);
  }
  if (!arrive(a.workspace.row_arrivals + row, static_cast<unsigned>(l.tiles()))) return false;
  const coolsd_normaliser n = combine_row(a, l, row, buffer);
  if (lane_id() == 0) store_normaliser(a.workspace.normalisers + row, n);
  if (weighs) find_entropy(a, s, i, n);
  const int all = s.length + 1 + (a.draft_normalisers == nullptr ? s.length : 0);
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

}  // namespace coolsd

#endif
