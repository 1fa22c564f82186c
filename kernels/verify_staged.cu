/*
 * verify_staged: the same step where sums over both rows come before the decision: block verification, and factors that
 * depend on the rows. One launch; a stage that the call does not need costs no barrier.
 *
 * 1. Rows are reduced as in verify.cu, with their entropies where factors need them. The warp that brings a sequence's
 * last row finds how far its positions are sound.
 * 2. Budgets: tiles of both rows are summed in bins of Q/P; the warp that brings a position's last tile finds its
 * factor.
 * 3. Block, positions with a factor above 1: tiles are summed to [P - Q]+ and the drift, which give Phat. The warp that
 * brings a sequence's last tile finds what every prefix carries.
 * 4. Block: tiles of [p Phat - Q]+ for the prefixes that can be accepted by it. Token by token: the residuals of
 * verify.cu. The warp that brings the last tile draws, and finishes the sequence. What was summed to accept a prefix is
 * what is drawn from behind it: there is no fifth stage.
 *
 * Whoever ends a stage of a sequence goes on at once as long as nothing is to be summed. Sums have an order of their
 * own, bins are integers: grid and schedule change no bit.
 */
#include <cooperative_groups.h>

#include "common/budget.h"
#include "common/decide.cuh"
#include "common/parameters.h"
#include "common/reduce.cuh"
#include "common/residual.cuh"

namespace coolsd {
namespace staged {
namespace {

constexpr Mask kOne = 1;

/* What is summed between grid barriers: rows, then three times both rows of draft positions. */
enum Stage { kRows, kBudget, kMoments, kSums };

__device__ __forceinline__ bool has(const VerifyParameters& a, int stage) {
  if (stage == kBudget) return a.factor_policy == COOLSD_FACTORS_BUDGET;
  return stage != kMoments || (a.rule == COOLSD_RULE_BLOCK && a.relaxes);
}

__device__ __forceinline__ int64_t place(const VerifyParameters& a, const Sequence& s, int i) {
  return static_cast<int64_t>(s.b) * a.draft_length + i;
}
__device__ __forceinline__ double* carried(const VerifyParameters& a, const Sequence& s, int tokens) {
  return a.workspace.carried + static_cast<int64_t>(s.b) * (a.draft_length + 1) + tokens;
}
__device__ __forceinline__ FixedBin* bins_of(const VerifyParameters& a, const Sequence& s, int i) {
  return a.workspace.bins + place(a, s, i) * kFixedBins;
}

/* What a stage is to sum of a sequence; every stage of the launch but the first is told once for every sequence. */
__device__ __forceinline__ Mask* wanted(const VerifyParameters& a, int b, int stage) {
  return a.workspace.wanted + static_cast<int64_t>(stage - kBudget) * a.batch + b;
}

/* ---- Block verification ---- */

/* For a whole warp. */
__device__ __forceinline__ BlockResidual block_residual_at(const VerifyParameters& a, const Sequence& s, int i) {
  double of_prefix = 0, left = 0;
  if (lane_id() == 0) {
    of_prefix = load_workspace(carried(a, s, i));
    left = load_workspace(a.workspace.left + place(a, s, i));
  }
  return block_residual(broadcast(of_prefix), broadcast(left));
}

/* Of all tiles, in units of P's exponentials; below 0 minus the status of the draft row. */
__device__ __forceinline__ double carried_sum(const VerifyParameters& a, const Sequence& s, int i) {
  constexpr int kGood = 8;
  const float* sums = accepted_sums(a, s, i);
  double sum = 0;
  int status = kGood;
  for (int t = lane_id(); t < residual_tiles(a, s); t += 32) {
    const float one = load_workspace(sums + t);
    if (one < 0) status = min(status, static_cast<int>(-one));
    sum += static_cast<double>(one);
  }
  sum = warp_sum(sum);
  status = warp_smallest(status);
  return status == kGood ? sum : -static_cast<double>(status);
}

/*
 * The accepted length, and where the token behind it comes from. d.stop is the length that is certain: all of the
 * draft, or the longest prefix that carries 1; mask has the longer ones that still may be accepted, and d.stop where
 * the residual behind it was summed with them.
 */
__device__ __forceinline__ Source choose_length(const VerifyParameters& a, const Sequence& s, const Decision& d,
                                                Mask mask, Outcome* out) {
  out->stop = d.stop;
  for (Mask rest = d.stop < s.length ? mask >> d.stop >> 1 << d.stop << 1 : 0; rest != 0;) {
    const int i = 63 - __clzll(static_cast<long long>(rest));
    rest &= ~(kOne << i);
    const double sum = carried_sum(a, s, i);
    if (sum < 0) {
      out->status = static_cast<int>(-sum);
      return kTarget;
    }
    const double all = block_residual_at(a, s, i).target * sum / target_law(a, s, i).mass;
    if (uniform_at(a, s, i - 1, COOLSD_ACCEPT) < block_acceptance(load_workspace(carried(a, s, i)), all)) {
      out->stop = i;
      return kCarried;
    }
  }
  if (d.stop == s.length) {
    out->status = load_normaliser_once(a.workspace.normalisers + target_row(a, s.b, d.stop)).reserved;
    return kTarget;
  }
  if ((mask >> d.stop & 1) != 0) {
    const double sum = carried_sum(a, s, d.stop);
    if (sum < 0) out->status = static_cast<int>(-sum);
    return kCarried;
  }
  /* The prefix carries 1 and the factor is above 1: what gave Phat is what is drawn from. */
  return load_workspace(a.workspace.left + place(a, s, d.stop)) > 0 ? kResidual : kAccepted;
}

/*
 * What every prefix carries, from the moments of the positions before d.stop; then the length that is certain, and what
 * is to be summed. Where one of those positions is bad, or none carries 0, d.status says what the sequence comes to.
 */
__device__ __forceinline__ Mask carry_all(const VerifyParameters& a, const Sequence& s, Decision* d) {
  int reached = d->stop;
  double before = 1;
  if (lane_id() == 0) store_workspace(carried(a, s, 0), 1);
#pragma unroll 1
  for (int from = 0; from < reached; from += 32) {
    const int i = from + lane_id();
    const bool mine = i < d->stop;
    const float omega = mine ? factor<true>(a, s, i) : 1.0f;
    Moments m = {0, 0, COOLSD_ROW_OK};
#pragma unroll 1
    for (unsigned relaxed = __ballot_sync(kAllLanes, omega > 1); relaxed != 0; relaxed &= relaxed - 1) {
      const int lane = __ffs(static_cast<int>(relaxed)) - 1;
      const Moments one = moments<true>(a, s, from + lane);
      if (lane == lane_id()) m = one;
    }
    if (omega < 0) m.status = static_cast<int>(-omega);
    double phat = 0, q = 0;
    if (mine) {
      const Look one = look_at(a, s, i, draft_token(a, s, i));
      const double mass = one.target.mass;
      const double left = residual_left(static_cast<double>(omega), m.residual / mass, m.drift / mass);
      q = one.q;
      phat = block_law(one.p, q, static_cast<double>(omega), left);
      store_workspace(a.workspace.left + place(a, s, i), left);
    }
    const unsigned bad = __ballot_sync(kAllLanes, m.status != COOLSD_ROW_OK);
    double own = 0;
#pragma unroll 1
    for (int lane = 0; lane < 32 && from + lane < reached; ++lane) {
      if ((bad >> lane & 1) != 0) {
        d->status = __shfl_sync(kAllLanes, m.status, lane);
        return 0;
      }
      before = carry(before, __shfl_sync(kAllLanes, phat, lane), __shfl_sync(kAllLanes, q, lane));
      if (lane == lane_id()) own = before;
      if (before > 0) continue;
      reached = from + lane + 1;
      d->status = COOLSD_ROW_OK;
    }
    if (i < reached) store_workspace(carried(a, s, i + 1), own);
  }
  __syncwarp();
  if (d->status != COOLSD_ROW_OK) return 0;
  /* Prefixes of up to `reached` tokens; bit i is the prefix of i tokens, behind which position i is. */
  const int limit = min(reached + 1, s.length);
  const auto may = [&](int tokens) {
    return uniform_at(a, s, tokens - 1, COOLSD_ACCEPT) < load_workspace(carried(a, s, tokens));
  };
  if (reached == s.length && (s.length == 0 || may(s.length))) {
    d->stop = s.length;
    return 0;
  }
  const Mask whole = positions_where(limit, [&](int i) { return load_workspace(carried(a, s, i)) >= 1; });
  const int certain = 63 - __clzll(static_cast<long long>(whole));
  d->stop = certain;
  const Mask longer = positions_where(limit, [&](int i) { return i > certain && may(i); });
  return factor<true>(a, s, certain) > 1 ? longer : longer | kOne << certain;
}

/* ---- Budgets ---- */

/* A tile's tokens with Q > P > 0 in bins of Q/P, by one warp in its shared memory, then added to the position's. */
__device__ __forceinline__ void bin_tile(const PairTile& both, FixedBin* bins, unsigned long long* shared) {
  for (int k = lane_id(); k < 2 * kBudgetBins; k += 32) store_shared(shared + k, 0);
  __syncwarp();
  const float scale = static_cast<float>(0x1p60 / both.at.p.mass);
  /* Rounded up: a factor that they allow is never too large. */
  const auto fixed = [&](float x) {
    return static_cast<unsigned long long>(ScalarOps::smaller(x * scale, 0x1p60f)) + 1;
  };
  for (int k = lane_id(); k < both.n; k += 32) {
    const TokenPair one = both(k);
    if (!(one.p > 0 && one.q > one.p)) continue;
    const int bin = budget_bin(one.p, one.q);
    atomicAdd(shared + 2 * bin, fixed(one.q - one.p));
    atomicAdd(shared + 2 * bin + 1, fixed(one.p));
  }
  __syncwarp();
  for (int k = lane_id(); k < kBudgetBins; k += 32) {
    const unsigned long long excess = load_shared(shared + 2 * k), mass = load_shared(shared + 2 * k + 1);
    if (excess != 0) atomicAdd(&bins[k].excess, excess);
    if (mass != 0) atomicAdd(&bins[k].mass, mass);
  }
  __syncwarp();
}

/* Finds the largest factor within the budget, by one warp; clears the bins. */
__device__ __forceinline__ void spend(const VerifyParameters& a, const Sequence& s, int i, unsigned long long* shared) {
  constexpr int kEach = kBudgetBins / 32;
  FixedBin* bins = bins_of(a, s, i);
  FixedBin sum = {0, 0};
#pragma unroll 4
  for (int k = lane_id() * kEach; k < (lane_id() + 1) * kEach; ++k) {
    const FixedBin bin = {load_workspace(&bins[k].excess), load_workspace(&bins[k].mass)};
    store_shared(shared + 2 * k, bin.excess);
    store_shared(shared + 2 * k + 1, bin.mass);
    store_workspace(&bins[k].excess, 0);
    store_workspace(&bins[k].mass, 0);
    sum.excess += bin.excess;
    sum.mass += bin.mass;
  }
  const unsigned long long mass = warp_scan(sum.mass), excess = warp_scan(sum.excess);
  const unsigned long long all = __shfl_sync(kAllLanes, mass, 31);
  const auto real = [](unsigned long long x) { return static_cast<double>(x) * 0x1p-60; };
  const double cap = static_cast<double>(given_omega(a, s, i)), budget = static_cast<double>(given_budget(a, s, i));
  /* In integers, so that tiny masses above large ones are not lost. */
  unsigned long long below = excess - sum.excess, above = all - (mass - sum.mass);
  double reached = 0;
#pragma unroll 1
  for (int k = lane_id() * kEach; k < (lane_id() + 1) * kEach; ++k) {
    const double here = budget_reach(k, real(below), real(above), budget_most(cap), budget);
    if (here > 0) reached = here;
    below += load_shared(shared + 2 * k);
    above -= load_shared(shared + 2 * k + 1);
  }
  const unsigned found = __ballot_sync(kAllLanes, reached > 0);
  const int lane = found != 0 ? 31 - __clz(static_cast<int>(found)) : 0;
  double factor = __shfl_sync(kAllLanes, reached, lane);
  if (real(__shfl_sync(kAllLanes, excess, 31)) <= budget - kBudgetMargin) factor = budget_most(cap);
  float omega = found_factor(factor, cap, budget);
  if (lane_id() != 0) return;
  const unsigned long long bad = load_workspace(&bins[kBudgetBins].excess);
  store_workspace(&bins[kBudgetBins].excess, 0);
  /* The lowest status that a tile had, as factor() has it. */
  if (bad != 0) omega = 1 - static_cast<float>(__ffsll(static_cast<long long>(bad)));
  store_workspace(a.workspace.factors + place(a, s, i), omega);
}

/* ---- A sequence from stage to stage ---- */

/* How far its positions are sound: stop is the first that is bad, or behind which nothing can be accepted. */
__device__ __forceinline__ Decision sound(const VerifyParameters& a, const Sequence& s) {
  Decision d = {s.length, COOLSD_ROW_OK, 0, 0, 0};
#pragma unroll 1
  for (int from = 0; from < s.length; from += 32) {
    const int i = from + lane_id();
    int status = COOLSD_ROW_OK;
    bool last = false;
    if (i < s.length) {
      const Look one = look_at(a, s, i, draft_token(a, s, i));
      status = one.status;
      last = !(one.p > 0);
    }
    const unsigned stops = __ballot_sync(kAllLanes, status != COOLSD_ROW_OK || last);
    if (stops == 0) continue;
    const int lane = __ffs(static_cast<int>(stops)) - 1;
    d.status = __shfl_sync(kAllLanes, status, lane);
    d.stop = from + lane + (d.status == COOLSD_ROW_OK ? 1 : 0);
    break;
  }
  return d;
}

/* Tells a stage; if it has nothing to sum the sequence goes on. All lanes. */
__device__ __forceinline__ bool waits(const VerifyParameters& a, const Sequence& s, const Decision& d, int stage,
                                      Mask mask) {
  if (lane_id() == 0) {
    store_workspace(wanted(a, s.b, stage), mask);
    if (mask != 0) store_decision(a.workspace.decisions + s.b, d);
  }
  return mask != 0;
}

/*
 * A stage of a sequence is complete: the warp that completed it goes on until there is something to sum, then it is
 * false, or the sequence is at its end: *out and *draw say how, unless it is refused.
 */
__device__ __forceinline__ bool proceed(const VerifyParameters& a, const Sequence& s, int stage, Mask mask,
                                        Decision* decided, Outcome* out, Draw* draw) {
  const bool block = a.rule == COOLSD_RULE_BLOCK;
  Decision d = {0, 0, 0, 0, 0};
  bool refused = false;
  if (stage == kRows) {
    int token;
    const int status = input_status(a, s, &token);
    refused = status != COOLSD_ROW_OK;
    d = {0, status, 0, 0, 0};
    if (!refused) d = sound(a, s);
    if (has(a, kBudget)) {
      mask = refused ? 0 : positions_where(d.stop, [&](int i) {
        const bool sums = given_omega(a, s, i) > 1;
        if (!sums) store_workspace(a.workspace.factors + place(a, s, i), 1);
        return sums;
      });
      __syncwarp();
      if (waits(a, s, d, kBudget, mask)) return false;
    }
  } else {
    d = load_decision(a.workspace.decisions + s.b);
  }
  if (stage <= kBudget && block && has(a, kMoments)) {
    mask = refused ? 0 : positions_where(d.stop, [&](int i) { return factor<true>(a, s, i) > 1; });
    if (waits(a, s, d, kMoments, mask)) return false;
  }
  if (stage < kSums) {
    mask = 0;
    if (!refused && block) {
      mask = carry_all(a, s, &d);
      refused = d.status != COOLSD_ROW_OK;
    } else if (!refused) {
      d = decide<true>(a, s, d.stop, d.status, lane_id() < s.length ? draft_token(a, s, lane_id()) : 0);
      if (d.needed > 0) {
        mask = positions_where(min(d.stop + 1, s.length), [&](int i) { return needs_residual<true>(a, s, d, i); });
      }
    }
    if (waits(a, s, d, kSums, mask)) return false;
  }
  *decided = d;
  *out = {d.status, d.stop, -1};
  draw->source = kTarget;
  if (!refused && block) {
    draw->source = choose_length(a, s, d, mask, out);
  } else if (!refused) {
    out->status = final_status<true>(a, s, d);
    if (d.rejected != 0) draw->source = kResidual;
  }
  if (out->status != COOLSD_ROW_OK) return true;
  const bool all = block ? out->stop == s.length : d.rejected == 0;
  draw->i = out->stop;
  draw->u = uniform_at(a, s, out->stop, all ? COOLSD_BONUS : COOLSD_RESAMPLE);
  draw->draft = draw->source == kCarried ? static_cast<float>(block_residual_at(a, s, out->stop).draft) : 0;
  return true;
}

/* What a warp is to sum. */
struct Wanted {
  int i, tile;
  Mask mask; /* of the sequence */
};

/* The tile of both rows of a position that an item of a later stage stands for. */
__device__ __forceinline__ Item pair_item(const VerifyParameters& a, unsigned item) {
  const unsigned tiles = static_cast<unsigned>(a.tiles);
  const int row = static_cast<int>(item / tiles);
  const int b = a.batch == 1 ? 0 : row / a.draft_length;
  return {b, row - b * a.draft_length, static_cast<int>(item % tiles), false};
}

/* Whether the stage wants it. */
__device__ __forceinline__ bool find_wanted(const VerifyParameters& a, const Sequence& s, int stage, Wanted* wants) {
  if (lane_id() == 0) wants->mask = load_workspace(wanted(a, s.b, stage));
  wants->mask = broadcast(wants->mask);
  return (wants->mask >> wants->i & 1) != 0 && wants->tile < residual_tiles(a, s);
}

/* Sums it. True for the warp that brings the last one of a sequence. */
__device__ __forceinline__ bool sum(const VerifyParameters& a, const Sequence& s, int stage, const Wanted& wants,
                                    const PairTile& both, unsigned long long* shared) {
  const Workspace& w = a.workspace;
  const int i = wants.i, all = residual_tiles(a, s);
  const int status = both.status;
  unsigned* arrivals = w.residual_arrivals + s.b;
  unsigned expected = static_cast<unsigned>(__popcll(wants.mask) * all);
  if (stage == kBudget) {
    FixedBin* bins = bins_of(a, s, i);
    if (status == COOLSD_ROW_OK) {
      bin_tile(both, bins, shared);
    } else if (lane_id() == 0) {
      atomicOr(&bins[kBudgetBins].excess, kOne << status);
    }
    if (!arrive(w.row_arrivals + target_row(a, s.b, i), static_cast<unsigned>(all))) return false;
    spend(a, s, i, shared);
    expected = static_cast<unsigned>(__popcll(wants.mask));
  } else if (stage == kSums && a.rule == COOLSD_RULE_BLOCK) {
    const float draft = static_cast<float>(block_residual_at(a, s, i).draft);
    float all_of_tile = -static_cast<float>(status);
    if (status == COOLSD_ROW_OK) {
      all_of_tile = sum_tile(both, [&](int k) {
        const TokenPair one = both(k);
        return residual(one.p, draft * one.q, 0.0f, 0.0f);
      });
    }
    if (lane_id() == 0) store_workspace(accepted_sums(a, s, i) + wants.tile, all_of_tile);
  } else {
    const ResidualPartial both_sums = sum_residuals<true>(a, both, status);
    if (lane_id() == 0) store_pair(residual_partials<true>(a, s, i) + wants.tile, both_sums);
  }
  return arrive(arrivals, expected);
}

/*
 * Sums a tile, if one is wanted. The warp that completes a stage of a sequence, with it or by its rows, goes on, and at
 * the end draws and writes every output. Whoever looks at a tile of two rows does it here, where the code for it stands
 * once.
 */
__device__ __forceinline__ void work(const VerifyParameters& a, const Sequence& s, int stage, const Wanted& wants,
                                     const Buffers& buffers, unsigned long long* bins) {
  Decision d = {0, 0, 0, 0, 0};
  Outcome out = {0, 0, -1};
  Draw draw = {kResidual, wants.i, 0, 0, 0, {wants.tile, 0}};
  bool sums = wants.tile >= 0, drawing = false;
#pragma unroll 1
  for (;;) {
    if (!sums) {
      if (!drawing && !proceed(a, s, stage, wants.mask, &d, &out, &draw)) return;
      drawing = out.status == COOLSD_ROW_OK;
      if (!drawing) break;
    }
    /* What has no sums yet: it takes a draft token that neither law has. */
    const bool adds = drawing && draw.source == kAccepted && draw.summed < residual_tiles(a, s);
    if (adds) {
      draw.tile.index = draw.summed++;
    } else if (drawing && !find_tile<true>(a, s, &draw, buffers.target, &out)) {
      break;
    }
    const bool target = draw.source == kTarget;
    Position at = position<true>(a, s, draw.i, !target, drawing || stage != kBudget);
    /* The tile's largest has the weight 1, however far it is below the row's. */
    if (target) at.p.largest = load_workspace(&target_partials(a, s, draw.i)[draw.tile.index].largest);
    const PairTile both(at, s.target.lo, s.target.hi, draw.tile.index, buffers);
    if (sums) {
      if (!sum(a, s, stage, wants, both, bins)) return;
      sums = false;
      continue;
    }
    write_weights<8>(both.x, both.n, [&](int k) { return drawn_weight<true>(a, both, k, draw); });
    if (adds) {
      float all = 0;
#pragma unroll 1
      for (int k = lane_id(); k < both.n; k += 32) all += load_shared(both.x + k);
      all = warp_sum(all);
      if (lane_id() == 0) store_workspace(accepted_sums(a, s, draw.i) + draw.tile.index, all);
      __syncwarp();
      continue;
    }
    out.drawn = both.first + choose(both.x, both.n, draw.tile.inside).index;
    break;
  }
  const bool block = a.rule == COOLSD_RULE_BLOCK;
  write_outputs<true>(a, s, out,
                      [&](int i) { return block ? factor<true>(a, s, i) > 1 : needs_residual<true>(a, s, d, i); });
}

}  // namespace
}  // namespace staged

/* Bytes of dynamic shared memory for so many warps in a block. */
COOLSD_HD constexpr size_t staged_shared_bytes(int warps) {
  return (sizeof(float) * 2 * kTileBuffer + sizeof(unsigned long long) * 2 * kBudgetBins) * static_cast<size_t>(warps);
}

/* Any cooperative grid of whole warps, kMostWarps at most to a block. */
__global__ void __launch_bounds__(32 * kMostWarps, 3) verify_staged(const __grid_constant__ VerifyParameters a) {
  using namespace staged;
  unsigned long long* bins = dynamic_shared<unsigned long long>() + threadIdx.x / 32 * 2 * kBudgetBins;
  float* tiles = reinterpret_cast<float*>(dynamic_shared<unsigned long long>() + blockDim.x / 32 * 2 * kBudgetBins) +
                 threadIdx.x / 32 * 2 * kTileBuffer;
  const Buffers buffers = {tiles, tiles + kTileBuffer};
  const unsigned warp = threadIdx.x / 32 * gridDim.x + blockIdx.x;
  const unsigned warps = blockDim.x / 32 * gridDim.x;
  const cooperative_groups::grid_group grid = cooperative_groups::this_grid();
#pragma unroll 1
  for (int stage = kRows; stage <= kSums; ++stage) {
    if (!has(a, stage)) continue;
    if (stage != kRows) grid.sync();
    const unsigned pairs = static_cast<unsigned>(a.batch * a.draft_length) * static_cast<unsigned>(a.tiles);
    const unsigned items = stage == kRows ? row_tiles(a) : pairs;
#pragma unroll 1
    for (unsigned item = warp; item < items; item += warps) {
      const Item at = stage == kRows ? row_item(a, item) : pair_item(a, item);
      const Sequence s = sequence(a, at.b);
      Wanted wants = {at.i, stage == kRows ? -1 : at.tile, 0};
      const bool goes = stage == kRows ? reduce<true>(a, at, s, buffers.target) : find_wanted(a, s, stage, &wants);
      if (goes) work(a, s, stage, wants, buffers, bins);
    }
  }
}

}  // namespace coolsd
