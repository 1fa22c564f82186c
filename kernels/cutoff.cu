/*
 * cutoff: where top-k and top-p cut each row, without sorting it; runs before verify when either is on.
 *
 * Radix selection: tokens are keyed by their logits as ordered integers, and histograms over 8 bits of the key at a
 * time narrow down the value at which the k largest, then of those the nucleus, end. Blocks count in shared memory and
 * add to the row's histogram; the last block of a row selects the bin; a grid barrier separates the levels. Counts are
 * integers and masses fixed-point (2^-40), so additions have no order: grid and schedule change no bit.
 */
#include <cooperative_groups.h>

#include "common/law.cuh"
#include "common/memory.cuh"
#include "common/ordered.h"
#include "common/parameters.h"
#include "common/row.cuh"
#include "common/sequence.cuh"
#include "common/warp.cuh"

namespace coolsd {
namespace cutoffs {
namespace {

constexpr int kBins = 256;
constexpr unsigned kBad = 0xffffffffu; /* key of a row with NaN or +inf */

using Count = unsigned;
using Mass = unsigned long long;

/* What is asked: the k largest, or the shortest leading run of them with so much of their mass. */
enum Step { kTopK, kTopP };

struct Rows {
  const VerifyParameters& a;

  __device__ int target_rows() const { return a.batch * (a.draft_length + 1); }
  __device__ int all() const { return target_rows() + (a.draft_normalisers == nullptr ? a.batch * a.draft_length : 0); }
  /* Whether a row takes part; then its law and where it is. */
  __device__ bool find(int row, LawParameters* law, RowView* view) const {
    const bool target = row < target_rows();
    const int each = target ? a.draft_length + 1 : a.draft_length;
    const int place = target ? row : row - target_rows();
    const int b = place / each, i = place % each;
    const Sequence s = sequence(a, b);
    *law = target ? s.target : s.draft;
    if (s.status != COOLSD_ROW_OK || !law->cut || i >= s.length + (target ? 1 : 0)) return false;
    *view = target ? target_view(a, s, i) : draft_view(a, s, i);
    return true;
  }
};

/* Of a block. */
struct Shared {
  Mass* masses;   /* [kBins] */
  Count* counts;  /* [kBins] */
  unsigned* last; /* whether this block was the row's last */
  float* tile;    /* of the warp */
};

__device__ __forceinline__ bool asks(const LawParameters& l, Step step) {
  return step == kTopK ? l.top_k < l.hi - l.lo : l.top_p < 1;
}

/* Fixed-point mass of a token relative to the largest. */
__device__ __forceinline__ Mass mass_of(const LawParameters& l, float x, float largest) {
  const float e = exp2_nonpositive((x - largest) * static_cast<float>(l.scale));
  return static_cast<Mass>(static_cast<double>(e) * 0x1p40);
}

__device__ __forceinline__ Selection load_selection(const Selection* p) {
  return {load_workspace(&p->goal),     load_workspace(&p->prefix), load_workspace(&p->equal),
          load_workspace(&p->present),  load_workspace(&p->k_key),  load_workspace(&p->k_equal),
          load_workspace(&p->k_present)};
}
__device__ __forceinline__ void store_selection(Selection* p, const Selection& s) {
  store_workspace(&p->goal, s.goal);
  store_workspace(&p->prefix, s.prefix);
  store_workspace(&p->equal, s.equal);
  store_workspace(&p->present, s.present);
  store_workspace(&p->k_key, s.k_key);
  store_workspace(&p->k_equal, s.k_equal);
  store_workspace(&p->k_present, s.k_present);
}

/* The largest logit of each row, as a key; kBad if one is NaN or +inf. */
__device__ __forceinline__ void find_largest(const VerifyParameters& a, const LawParameters& l, const RowView& view,
                                             int row, int tile, float* buffer) {
  const int first = l.lo + tile * kTile;
  const int n = min(kTile, l.hi - first);
  const float* x = stage(view, first, 0, n, buffer);
  unsigned key = 0;
  for (int k = lane_id(); k < n; k += 32) {
    const float v = load_shared(x + k);
    key = max(key, v < kInf ? ordered(v) : kBad);
  }
  key = warp_largest(key);
  if (lane_id() == 0) atomicMax(a.workspace.largest_keys + row, key);
}

/* Adds a tile's candidates of this level to the block's histogram. */
__device__ __forceinline__ void count_tile(const LawParameters& l, const RowView& view, int tile, Step step, int level,
                                           const Selection& s, float largest, const Shared& shared) {
  const int first = l.lo + tile * kTile;
  const int n = min(kTile, l.hi - first);
  const float* x = stage(view, first, 0, n, shared.tile);
  const int shift = 24 - 8 * level;
  for (int k = lane_id(); k < n; k += 32) {
    const float v = load_shared(x + k);
    if (v == -kInf) continue;
    const unsigned key = ordered(v);
    if (level > 0 && key >> (shift + 8) != s.prefix) continue;
    /* The nucleus is one of the k largest; those at the edge of the k are added by select(). */
    if (step == kTopP && key <= s.k_key) continue;
    const unsigned bin = key >> shift & (kBins - 1);
    atomicAdd(shared.counts + bin, 1u);
    if (step == kTopP) atomicAdd(shared.masses + bin, mass_of(l, v, largest));
  }
}

/* The bin in which the running total from the largest down reaches the goal; one warp. Clears the histogram. */
__device__ __forceinline__ Selection select(const VerifyParameters& a, const LawParameters& l, int row, Step step,
                                            int level, Selection s, float largest) {
  constexpr int kEach = kBins / 32;
  Count* counts = a.workspace.counts + static_cast<int64_t>(row) * kBins;
  Mass* masses = a.workspace.masses + static_cast<int64_t>(row) * kBins;
  const int shift = 24 - 8 * level;
  /* The edge of the k largest takes part with those of its tokens that are kept. */
  const bool edge = step == kTopP && s.k_equal > 0 && (level == 0 || s.k_key >> (shift + 8) == s.prefix);
  const int edge_bin = static_cast<int>(s.k_key >> shift & (kBins - 1));
  const Mass edge_mass = edge ? s.k_equal * mass_of(l, from_ordered(s.k_key), largest) : 0;
  Mass amount[kEach];
  Count present[kEach];
  Mass mine = 0;
#pragma unroll
  for (int j = 0; j < kEach; ++j) { /* largest first */
    const int bin = kBins - 1 - (lane_id() * kEach + j);
    present[j] = load_workspace(counts + bin);
    amount[j] = step == kTopK ? present[j] : load_workspace(masses + bin);
    store_workspace(counts + bin, 0);
    if (step == kTopP) store_workspace(masses + bin, 0);
    if (edge && bin == edge_bin) {
      amount[j] += edge_mass;
      if (level == 3) present[j] += s.k_present;
    }
    mine += amount[j];
  }
  const Mass reached = warp_scan(mine);
  const Mass total = __shfl_sync(kAllLanes, reached, 31);
  if (level == 0) {
    if (step == kTopK) {
      s.goal = static_cast<Mass>(l.top_k);
    } else {
      s.goal = static_cast<Mass>(ceil(l.top_p * static_cast<double>(total)));
    }
    /* All of them are kept. */
    if (step == kTopK && total <= s.goal) return {0, 0, 0, 0, 0, 0, 0};
    s.goal = s.goal < 1 ? 1 : s.goal > total ? total : s.goal;
    s.prefix = 0;
  }
  const unsigned enough = __ballot_sync(kAllLanes, reached >= s.goal);
  const int lane = __ffs(static_cast<int>(enough)) - 1;
  int bin = 0;
  Mass left = s.goal - (reached - mine), chosen = 0;
  Count count = 0;
  bool found = false;
#pragma unroll
  for (int j = 0; j < kEach; ++j) {
    if (found) continue;
    if (amount[j] >= left) {
      found = true;
      bin = kBins - 1 - (lane_id() * kEach + j);
      chosen = amount[j];
      count = present[j];
    } else {
      left -= amount[j];
    }
  }
  bin = __shfl_sync(kAllLanes, bin, lane);
  left = __shfl_sync(kAllLanes, left, lane);
  chosen = __shfl_sync(kAllLanes, chosen, lane);
  count = __shfl_sync(kAllLanes, count, lane);
  s.prefix = s.prefix << 8 | static_cast<unsigned>(bin);
  s.goal = left;
  if (level == 3) {
    const Mass each = step == kTopK ? 1 : mass_of(l, from_ordered(s.prefix), largest);
    s.equal = static_cast<unsigned>((left + each - 1) / each);
    s.present = count;
    if (step == kTopK) {
      s.k_key = s.prefix;
      s.k_equal = s.equal;
      s.k_present = count;
    }
  }
  return s;
}

/* One level of a selection in all rows. Items are chunks of kMostWarps tiles, one block each. */
__device__ __forceinline__ void run_level(const VerifyParameters& a, Step step, int level, const Shared& shared) {
  const Rows rows{a};
  const int chunks = (a.tiles + kMostWarps - 1) / kMostWarps;
  const int warps = static_cast<int>(blockDim.x / 32);
  for (int64_t item = blockIdx.x; item < static_cast<int64_t>(rows.all()) * chunks; item += gridDim.x) {
    const int row = static_cast<int>(item / chunks), chunk = static_cast<int>(item % chunks);
    RowView view;
    LawParameters l;
    if (!rows.find(row, &l, &view) || !asks(l, step) || chunk * kMostWarps >= l.tiles()) continue;
    const float largest = from_ordered(load_workspace(a.workspace.largest_keys + row));
    if (!(largest > -kInf && largest < kInf)) continue;
    Selection s = {0, 0, 0, 0, 0, 0, 0};
    if (level > 0 || step == kTopP) s = load_selection(a.workspace.selections + row);
    /* Top-k had nothing to cut. */
    const bool over = level > 0 && s.goal == 0;
    if (over) continue;
    for (unsigned bin = threadIdx.x; bin < kBins; bin += blockDim.x) {
      store_shared(shared.counts + bin, 0);
      store_shared(shared.masses + bin, 0);
    }
    __syncthreads();
    for (int k = static_cast<int>(threadIdx.x / 32); k < kMostWarps; k += warps) {
      const int tile = chunk * kMostWarps + k;
      if (tile < l.tiles()) count_tile(l, view, tile, step, level, s, largest, shared);
    }
    __syncthreads();
    for (unsigned bin = threadIdx.x; bin < kBins; bin += blockDim.x) {
      const Count count = load_shared(shared.counts + bin);
      if (count == 0) continue;
      atomicAdd(a.workspace.counts + static_cast<int64_t>(row) * kBins + bin, count);
      if (step == kTopP) {
        atomicAdd(a.workspace.masses + static_cast<int64_t>(row) * kBins + bin, load_shared(shared.masses + bin));
      }
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
      const unsigned all = static_cast<unsigned>((l.tiles() + kMostWarps - 1) / kMostWarps);
      const bool last = add_release(a.workspace.row_arrivals + row, 1) == all - 1;
      __threadfence();
      if (last) store_workspace(a.workspace.row_arrivals + row, 0);
      store_shared(shared.last, last);
    }
    __syncthreads();
    if (load_shared(shared.last) != 0 && threadIdx.x < 32) {
      const Selection chosen = select(a, l, row, step, level, s, largest);
      if (lane_id() == 0) store_selection(a.workspace.selections + row, chosen);
    }
    __syncthreads();
  }
}

/* Index, within n counts, at which a running total first exceeds `before_it`; *inside is how far in. One warp. */
template <typename Counts>
__device__ __forceinline__ int find_nth(int n, unsigned before_it, Counts counts, unsigned* inside) {
  unsigned before = 0;
  for (int from = 0; from < n; from += 32) {
    const int i = from + lane_id();
    const unsigned count = i < n ? counts(i) : 0;
    const unsigned scan = warp_scan(count);
    const unsigned reached = __ballot_sync(kAllLanes, before + scan > before_it);
    if (reached != 0) {
      const int lane = __ffs(static_cast<int>(reached)) - 1;
      *inside = before_it - before - __shfl_sync(kAllLanes, scan - count, lane);
      return from + lane;
    }
    before += __shfl_sync(kAllLanes, scan, 31);
  }
  return n - 1;
}

/* The row's cut-off; where only some of equal tokens are kept, their tiles are counted to find the last of them. */
__device__ __forceinline__ void conclude(const VerifyParameters& a, const LawParameters& l, const RowView& view,
                                         int row, int tile, float* buffer) {
  const float largest = from_ordered(load_workspace(a.workspace.largest_keys + row));
  const bool usable = largest > -kInf && largest < kInf;
  Selection s = {0, 0, 0, 0, 0, 0, 0};
  if (usable) s = load_selection(a.workspace.selections + row);
  Cutoff* out = a.workspace.cutoffs + row;
  if (s.equal == 0 || s.equal == s.present) {
    if (tile == 0 && lane_id() == 0) {
      store_workspace(&out->value, s.equal == 0 ? -kInf : from_ordered(s.prefix));
      store_workspace(&out->index, kEveryIndex);
    }
    return;
  }
  const float cut = from_ordered(s.prefix);
  const int first = l.lo + tile * kTile;
  const int n = min(kTile, l.hi - first);
  const float* x = stage(view, first, 0, n, buffer);
  unsigned count = 0;
  for (int k = lane_id(); k < n; k += 32) count += load_shared(x + k) == cut;
  count = warp_sum(count);
  Partial* counted = a.workspace.partials + static_cast<int64_t>(row) * a.tiles;
  bool last = false;
  if (lane_id() == 0) {
    store_workspace(&counted[tile].sum, static_cast<float>(count));
    last = add_release(a.workspace.row_arrivals + row, 1) == static_cast<unsigned>(l.tiles()) - 1;
    __threadfence();
    if (last) store_workspace(a.workspace.row_arrivals + row, 0);
  }
  if (__any_sync(kAllLanes, last) == 0) return;
  __syncwarp();
  unsigned inside = 0, nth = 0;
  const int found = find_nth(
      l.tiles(), s.equal - 1, [&](int t) { return static_cast<unsigned>(load_workspace(&counted[t].sum)); }, &inside);
  const int start = l.lo + found * kTile;
  const int size = min(kTile, l.hi - start);
  const float* y = stage(view, start, 0, size, buffer);
  const int token = find_nth(
      size, inside, [&](int k) { return static_cast<unsigned>(load_shared(y + k) == cut); }, &nth);
  if (lane_id() == 0) {
    store_workspace(&out->value, cut);
    store_workspace(&out->index, start + token);
  }
}

}  // namespace
}  // namespace cutoffs

/* Bytes of dynamic shared memory for so many warps in a block. */
COOLSD_HD constexpr size_t cutoff_shared_bytes(int warps) {
  return cutoffs::kBins * (sizeof(cutoffs::Mass) + sizeof(cutoffs::Count)) + 16 +
         sizeof(float) * kTileBuffer * static_cast<size_t>(warps);
}

/* Any cooperative grid of whole warps, kMostWarps at most to a block. */
__global__ void __launch_bounds__(32 * kMostWarps, 3) cutoff(const __grid_constant__ VerifyParameters a) {
  using namespace cutoffs;
  Mass* masses = dynamic_shared<Mass>();
  Count* counts = reinterpret_cast<Count*>(masses + kBins);
  float* tiles = reinterpret_cast<float*>(counts + kBins + 4);
  const Shared shared = {masses, counts, counts + kBins, tiles + threadIdx.x / 32 * kTileBuffer};
  const cooperative_groups::grid_group grid = cooperative_groups::this_grid();
  const Rows rows{a};
  const int64_t items = static_cast<int64_t>(rows.all()) * a.tiles;
  const int64_t warp = static_cast<int64_t>(threadIdx.x / 32) * gridDim.x + blockIdx.x;
  const int64_t warps = static_cast<int64_t>(blockDim.x / 32) * gridDim.x;
  for (int64_t item = warp; item < items; item += warps) {
    const int row = static_cast<int>(item / a.tiles), tile = static_cast<int>(item % a.tiles);
    RowView view;
    LawParameters l;
    if (!rows.find(row, &l, &view)) continue;
    if (tile < l.tiles()) find_largest(a, l, view, row, tile, shared.tile);
    /* For rows on which only the nucleus is asked. */
    if (tile == 0 && lane_id() == 0) store_selection(a.workspace.selections + row, {0, 0, 0, 0, 0, 0, 0});
  }
  grid.sync();
#pragma unroll 1
  for (int step = kTopK; step <= kTopP; ++step) {
    const Step now = static_cast<Step>(step);
    if (!(now == kTopK ? a.cut_k : a.cut_p)) continue;
#pragma unroll 1
    for (int level = 0; level < 4; ++level) {
      run_level(a, now, level, shared);
      grid.sync();
    }
  }
  for (int64_t item = warp; item < items; item += warps) {
    const int row = static_cast<int>(item / a.tiles), tile = static_cast<int>(item % a.tiles);
    RowView view;
    LawParameters l;
    if (rows.find(row, &l, &view) && tile < l.tiles()) conclude(a, l, view, row, tile, shared.tile);
  }
  grid.sync();
  if (blockIdx.x == 0) {
    for (int row = static_cast<int>(threadIdx.x); row < rows.all(); row += static_cast<int>(blockDim.x)) {
      store_workspace(a.workspace.largest_keys + row, 0);
    }
  }
}

}  // namespace coolsd
