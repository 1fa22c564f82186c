/*
 * verify_staged: the same step where sums over both rows come before the decision: block verification, and factors that
 * depend on the rows. One launch; a stage that the call does not need costs no barrier.
 *
 * 1. Rows are reduced as in verify.cu, with their entropies where factors need them. The warp that brings a sequence's
 * last row finds how far its positions are sound.
 * 2. Budgets: tiles of both rows are summed in bins of Q/P; the warp that brings a position's last tile finds its factor.
 * 3. Block, positions with a factor above 1: tiles are summed to [P - Q]+ and the drift, which give Phat. The warp that
 * brings a sequence's last tile finds what every prefix carries.
 * 4. Block: tiles of [p Phat - Q]+ for the prefixes that can be accepted by it. Token by token: the residuals of verify.cu.
 * The warp that brings the last tile draws, and finishes the sequence. What was summed to accept a prefix is what is
 * drawn from behind it: there is no fifth stage.
 *
 * Whoever ends a stage of a sequence goes on at once as long as nothing is to be summed. Sums have an order of their own,
 * bins are integers: grid and schedule change no bit.
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

using Mask = unsigned long long; /* of positions */
constexpr Mask kOne = 1;

/* Passes over both rows, each after a grid barrier. */
enum Stage { kBudget, kMoments, kSums };

__device__ __forceinline__ bool has(const VerifyParameters& a, Stage stage) {
  if (stage == kBudget) return a.factor_policy == COOLSD_FACTORS_BUDGET;
  return stage == kSums || (a.rule == COOLSD_RULE_BLOCK && a.relaxes);
}

__device__ __forceinline__ int64_t place(const VerifyParameters& a, const Sequence& s, int i) {
  return static_cast<int64_t>(s.b) * a.draft_length + i;
}
__device__ __forceinline__ double* carried(const VerifyParameters& a, const Sequence& s, int tokens) {
  return a.workspace.carried + static_cast<int64_t>(s.b) * (a.draft_length + 1) + tokens;
}
__device__ __forceinline__ float* accepted_sums(const VerifyParameters& a, const Sequence& s, int i) {
  return a.workspace.accepted + place(a, s, i) * a.tiles;
}
__device__ __forceinline__ FixedBin* bins_of(const VerifyParameters& a, const Sequence& s, int i) {
  return a.workspace.bins + place(a, s, i) * kFixedBins;
}

/* What a stage is to sum of a sequence; every stage of the launch is told once for every sequence. All lanes. */
__device__ __forceinline__ void want(const VerifyParameters& a, const Sequence& s, Stage stage, Mask mask) {
  if (lane_id() == 0) store_workspace(a.workspace.wanted + static_cast<int64_t>(stage) * a.batch + s.b, mask);
}
__device__ __forceinline__ Mask wanted(const VerifyParameters& a, int b, Stage stage) {
  Mask mask = 0;
  if (lane_id() == 0) mask = load_workspace(a.workspace.wanted + static_cast<int64_t>(stage) * a.batch + b);
  return broadcast(mask);
}

/* The positions i < limit for which ask(i) holds; every lane asks for its own. */
template <typename Ask>
__device__ __forceinline__ Mask positions_where(int limit, Ask ask) {
  Mask mask = 0;
  for (int from = 0; from < limit; from += 32) {
    const int i = from + lane_id();
    mask |= Mask{__ballot_sync(kAllLanes, i < limit && ask(i))} << from;
  }
  return mask;
}

/* Ends a sequence without tokens. */
__device__ __forceinline__ void refuse(const VerifyParameters& a, const Sequence& s, int status) {
  write_outputs<true>(a, s, status, 0, -1, [](int) { return false; });
}

/* ---- Block verification ---- */

__device__ __forceinline__ BlockResidual block_residual_at(const VerifyParameters& a, const Sequence& s, int i) {
  return block_residual(load_workspace(carried(a, s, i)), load_workspace(a.workspace.left + place(a, s, i)));
}

__device__ __forceinline__ float carried_residual(const PairTile& both, int k, float draft) {
  const TokenPair one = both(k);
  return residual(one.p, draft * one.q, 0.0f, 0.0f);
}

/* Of one tile; below 0 minus the status of the draft row. */
__device__ __forceinline__ float carried_tile(const VerifyParameters& a, const Sequence& s, int i, int tile,
                                              const Buffers& buffers) {
  const Position at = position<true>(a, s, i);
  const float draft = static_cast<float>(block_residual_at(a, s, i).draft);
  const PairTile both(a, s, at, tile, buffers);
  const int status = both.status();
  if (status != COOLSD_ROW_OK) return -static_cast<float>(status);
  return sum_tile(both, [&](int k) { return carried_residual(both, k, draft); });
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

/* Phat of a position with left = 0, which is min(Q, omega P): summed by one warp, since it hardly ever happens. */
__device__ __forceinline__ int draw_accepted(const VerifyParameters& a, const Sequence& s, int i, double u,
                                             const Buffers& buffers) {
  const Position at = position<true>(a, s, i);
  const auto law = [&](const PairTile& both, int k) {
    const TokenPair one = both(k);
    return ScalarOps::smaller(one.q, at.omega * one.p);
  };
  float* sums = accepted_sums(a, s, i);
  for (int t = 0; t < residual_tiles(a, s); ++t) {
    const PairTile both(a, s, at, t, buffers);
    const float sum = sum_tile(both, [&](int k) { return law(both, k); });
    if (lane_id() == 0) store_workspace(sums + t, sum);
  }
  __syncwarp();
  return draw_summed<true>(
      a, s, i, u, buffers, [&](int t) { return static_cast<double>(load_workspace(sums + t)); }, law);
}

/*
 * The accepted length, the draw behind it, and every output. d.stop is the length that is certain: all of the draft, or
 * the longest prefix that carries 1; mask has the longer ones that still may be accepted, and d.stop where the residual
 * behind it was summed with them.
 */
__device__ __forceinline__ void conclude(const VerifyParameters& a, const Sequence& s, const Decision& d, Mask mask,
                                         const Buffers& buffers) {
  int accepted = d.stop, status = COOLSD_ROW_OK;
  for (Mask rest = d.stop < s.length ? mask >> d.stop >> 1 << d.stop << 1 : 0; rest != 0;) {
    const int i = 63 - __clzll(static_cast<long long>(rest));
    rest &= ~(kOne << i);
    const double sum = carried_sum(a, s, i);
    if (sum < 0) {
      status = static_cast<int>(-sum);
      break;
    }
    const double mass = target_law(a, s, i).mass;
    const double all = block_residual_at(a, s, i).target * sum / mass;
    if (uniform_at(a, s, i - 1, COOLSD_ACCEPT) < block_acceptance(load_workspace(carried(a, s, i)), all)) {
      accepted = i;
      break;
    }
  }
  const bool summed = accepted < s.length && (mask >> accepted & 1) != 0;
  if (status == COOLSD_ROW_OK && accepted == s.length) {
    status = load_normaliser_once(a.workspace.normalisers + target_row(a, s.b, accepted)).reserved;
  } else if (status == COOLSD_ROW_OK && summed) {
    const double sum = carried_sum(a, s, accepted);
    if (sum < 0) status = static_cast<int>(-sum);
  }
  int drawn = -1;
  if (status == COOLSD_ROW_OK) {
    const double u = uniform_at(a, s, accepted, accepted < s.length ? COOLSD_RESAMPLE : COOLSD_BONUS);
    if (summed) {
      const float draft = static_cast<float>(block_residual_at(a, s, accepted).draft);
      const float* sums = accepted_sums(a, s, accepted);
      drawn = draw_summed<true>(
          a, s, accepted, u, buffers, [&](int t) { return static_cast<double>(load_workspace(sums + t)); },
          [&](const PairTile& both, int k) { return carried_residual(both, k, draft); });
    } else if (accepted < s.length && load_workspace(a.workspace.left + place(a, s, accepted)) <= 0) {
      drawn = draw_accepted(a, s, accepted, u, buffers);
    } else if (accepted < s.length) {
      /* The prefix carries 1 and the factor is above 1: what gave Phat is what is drawn from. */
      const ResidualPartial* partials = residual_partials<true>(a, s, accepted);
      drawn = draw_summed<true>(
          a, s, accepted, u, buffers,
          [&](int t) { return static_cast<double>(load_pair<ResidualPartial>(partials + t).residual); },
          [&](const PairTile& both, int k) { return residual_of<true>(a, both, k).residual; });
    }
    if (drawn < 0) drawn = draw_target(a, s, accepted, u, buffers.target);
  }
  write_outputs<true>(a, s, status, accepted, drawn, [&](int i) { return factor<true>(a, s, i) > 1; });
}

/*
 * What every prefix carries, from the moments of the positions before d.stop; then what is to be summed. If a position
 * of them is bad, or none before d.stop carries 0, the sequence comes to d.status.
 */
__device__ __forceinline__ void carry_all(const VerifyParameters& a, const Sequence& s, const Decision& d,
                                          const Buffers& buffers) {
  int status = d.status, reached = d.stop;
  double before = 1;
  if (lane_id() == 0) store_workspace(carried(a, s, 0), 1);
  for (int from = 0; from < reached; from += 32) {
    const int i = from + lane_id();
    const bool mine = i < d.stop;
    const float omega = mine ? factor<true>(a, s, i) : 1.0f;
    Moments m = {0, 0, COOLSD_ROW_OK};
    for (unsigned relaxed = __ballot_sync(kAllLanes, omega > 1); relaxed != 0; relaxed &= relaxed - 1) {
      const int lane = __ffs(static_cast<int>(relaxed)) - 1;
      const Moments one = moments<true>(a, s, from + lane, 1);
      if (lane == lane_id()) m = one;
    }
    if (omega < 0) m.status = static_cast<int>(-omega);
    double phat = 0, q = 0;
    if (mine) {
      const int token = draft_token(a, s, i);
      const Law target = law_of(s.target, load_normaliser(a.workspace.normalisers + target_row(a, s.b, i)));
      const double left = residual_left(static_cast<double>(omega), m.residual, m.drift);
      q = probability(law_of(s.draft, draft_normaliser(a, s.b, i)), draft_view(a, s, i), token);
      phat = block_law(probability(target, target_view(a, s, i), token), q, static_cast<double>(omega), left);
      store_workspace(a.workspace.left + place(a, s, i), left);
    }
    const unsigned bad = __ballot_sync(kAllLanes, m.status != COOLSD_ROW_OK);
    double own = 0;
    for (int lane = 0; lane < 32 && from + lane < reached; ++lane) {
      if ((bad >> lane & 1) != 0) {
        refuse(a, s, __shfl_sync(kAllLanes, m.status, lane));
        want(a, s, kSums, 0);
        return;
      }
      before = carry(before, __shfl_sync(kAllLanes, phat, lane), __shfl_sync(kAllLanes, q, lane));
      if (lane == lane_id()) own = before;
      if (before > 0) continue;
      reached = from + lane + 1;
      status = COOLSD_ROW_OK;
    }
    if (i < reached) store_workspace(carried(a, s, i + 1), own);
  }
  __syncwarp();
  if (status != COOLSD_ROW_OK) {
    refuse(a, s, status);
    want(a, s, kSums, 0);
    return;
  }
  /* Prefixes of up to `reached` tokens; bit i is the prefix of i tokens, whose residual is that of position i. */
  const auto carries = [&](int tokens) { return load_workspace(carried(a, s, tokens)); };
  const auto may = [&](int tokens) {
    return tokens > 0 && uniform_at(a, s, tokens - 1, COOLSD_ACCEPT) < carries(tokens);
  };
  const int limit = min(reached + 1, s.length);
  const Mask whole = positions_where(limit, [&](int i) { return carries(i) >= 1; });
  Decision out = {63 - __clzll(static_cast<long long>(whole)), COOLSD_ROW_OK, 0, 0};
  Mask mask = 0;
  if (reached == s.length && __any_sync(kAllLanes, lane_id() == 0 && (s.length == 0 || may(s.length)))) {
    out.stop = s.length;
  } else {
    mask = positions_where(limit, [&](int i) { return i > out.stop && may(i); });
    if (!(factor<true>(a, s, out.stop) > 1)) mask |= kOne << out.stop;
  }
  if (lane_id() == 0) store_decision(a.workspace.decisions + s.b, out);
  want(a, s, kSums, mask);
  if (mask == 0) conclude(a, s, out, mask, buffers);
}

/* ---- Factors ---- */

/* After the rows: omega = 1 + (given - 1) H(P) / log(tokens of the window). By the warp that combined the row. */
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
  share = ScalarOps::larger(0.0, ScalarOps::smaller(share, 1.0));
  const double omega = 1 + (static_cast<double>(given_omega(a, s, i)) - 1) * share;
  if (lane_id() == 0) store_workspace(a.workspace.factors + place(a, s, i), static_cast<float>(omega));
}

/* A tile's tokens with Q > P > 0 in bins of Q/P, by one warp in its shared memory, then added to the position's. */
__device__ __forceinline__ void bin_tile(const VerifyParameters& a, const Sequence& s, int i, int tile,
                                         const Buffers& buffers, unsigned long long* shared) {
  const Position at = position<true>(a, s, i);
  const PairTile both(a, s, at, tile, buffers);
  FixedBin* bins = bins_of(a, s, i);
  const int status = both.status();
  if (status != COOLSD_ROW_OK) {
    if (lane_id() == 0) atomicOr(&bins[kBudgetBins].excess, kOne << status);
    return;
  }
  for (int k = lane_id(); k < 2 * kBudgetBins; k += 32) store_shared(shared + k, 0);
  __syncwarp();
  const float scale = static_cast<float>(0x1p60 / at.p.mass);
  const auto fixed = [&](float x) { return static_cast<unsigned long long>(ScalarOps::smaller(x * scale, 0x1p60f)); };
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

/* The largest factor within the budget, by one warp; clears the bins. */
__device__ __forceinline__ float spend(const VerifyParameters& a, const Sequence& s, int i) {
  constexpr int kEach = kBudgetBins / 32;
  FixedBin* bins = bins_of(a, s, i) + lane_id() * kEach;
  FixedBin own[kEach];
  FixedBin sum = {0, 0};
#pragma unroll
  for (int k = 0; k < kEach; ++k) {
    own[k] = {load_workspace(&bins[k].excess), load_workspace(&bins[k].mass)};
    store_workspace(&bins[k].excess, 0);
    store_workspace(&bins[k].mass, 0);
    sum.excess += own[k].excess;
    sum.mass += own[k].mass;
  }
  const unsigned long long mass = warp_scan(sum.mass), excess = warp_scan(sum.excess);
  const unsigned long long all = __shfl_sync(kAllLanes, mass, 31);
  const auto real = [](unsigned long long x) { return static_cast<double>(x) * 0x1p-60; };
  const double cap = static_cast<double>(given_omega(a, s, i));
  BudgetSearch search = {real(excess - sum.excess), real(all - (mass - sum.mass)), cap, false};
#pragma unroll
  for (int k = 0; k < kEach; ++k) {
    const BudgetBin here = {real(own[k].excess), real(own[k].mass)};
    budget_step(search, lane_id() * kEach + k, here, cap, static_cast<double>(given_budget(a, s, i)));
  }
  const unsigned found = __ballot_sync(kAllLanes, search.found);
  const int lane = found != 0 ? __ffs(static_cast<int>(found)) - 1 : 31;
  return found_factor(__shfl_sync(kAllLanes, search.factor, lane), cap, static_cast<double>(given_budget(a, s, i)));
}

/* ---- A sequence from stage to stage ---- */

/* All factors are known. */
__device__ __forceinline__ void after_factors(const VerifyParameters& a, const Sequence& s, const Decision& d,
                                              const Buffers& buffers) {
  if (a.rule == COOLSD_RULE_BLOCK) {
    if (has(a, kMoments)) {
      const Mask mask = positions_where(d.stop, [&](int i) { return factor<true>(a, s, i) > 1; });
      want(a, s, kMoments, mask);
      if (mask != 0) return;
    }
    carry_all(a, s, d, buffers);
    return;
  }
  const Decision decided = decide<true>(a, s, d.stop, d.status);
  if (lane_id() == 0) store_decision(a.workspace.decisions + s.b, decided);
  want(a, s, kSums,
       decided.needed == 0 ? 0 : positions_where(min(decided.stop + 1, s.length), [&](int i) {
         return needs_residual<true>(a, s, decided, i);
       }));
  if (decided.needed == 0) finish<true>(a, s, decided, buffers);
}

/* All rows are reduced: stop is the first position that is bad, or behind which nothing can be accepted. */
__device__ __forceinline__ void after_rows(const VerifyParameters& a, const Sequence& s, const Buffers& buffers) {
  Decision d = {s.length, input_status(a, s), 0, 0};
  if (d.status != COOLSD_ROW_OK) {
    refuse(a, s, d.status);
    for (const Stage stage : {kBudget, kMoments, kSums}) {
      if (has(a, stage)) want(a, s, stage, 0);
    }
    return;
  }
  for (int from = 0; from < s.length; from += 32) {
    const int i = from + lane_id();
    int status = COOLSD_ROW_OK;
    bool last = false;
    if (i < s.length) {
      status = position_status(a, s, i);
      if (status == COOLSD_ROW_OK) {
        const Law p = law_of(s.target, load_normaliser(a.workspace.normalisers + target_row(a, s.b, i)));
        last = !(probability(p, target_view(a, s, i), draft_token(a, s, i)) > 0);
      }
    }
    const unsigned stops = __ballot_sync(kAllLanes, status != COOLSD_ROW_OK || last);
    if (stops == 0) continue;
    const int lane = __ffs(static_cast<int>(stops)) - 1;
    d.status = __shfl_sync(kAllLanes, status, lane);
    d.stop = from + lane + (d.status == COOLSD_ROW_OK ? 1 : 0);
    break;
  }
  if (lane_id() == 0) store_decision(a.workspace.decisions + s.b, d);
  if (has(a, kBudget)) {
    const Mask mask = positions_where(d.stop, [&](int i) {
      const bool sums = given_omega(a, s, i) > 1;
      if (!sums) store_workspace(a.workspace.factors + place(a, s, i), 1);
      return sums;
    });
    __syncwarp();
    want(a, s, kBudget, mask);
    if (mask != 0) return;
  }
  after_factors(a, s, d, buffers);
}

/* One stage: the tiles of what it wants. work(sequence, i, tile, all) has `all` tiles of the sequence to count. */
template <typename Work>
__device__ __forceinline__ void run(const VerifyParameters& a, Stage stage, int64_t warp, int64_t warps, Work work) {
  const int64_t items = static_cast<int64_t>(a.batch) * a.draft_length * a.tiles;
  for (int64_t item = warp; item < items; item += warps) {
    const int tile = static_cast<int>(item % a.tiles), row = static_cast<int>(item / a.tiles);
    const int b = row / a.draft_length, i = row % a.draft_length;
    const Mask mask = wanted(a, b, stage);
    if ((mask >> i & 1) == 0) continue;
    const Sequence s = sequence(a, b);
    const int tiles = residual_tiles(a, s);
    if (tile < tiles) work(s, i, tile, mask, tiles);
  }
}

}  // namespace
}  // namespace staged

/* Bytes of dynamic shared memory for so many warps in a block. */
COOLSD_HD constexpr size_t staged_shared_bytes(int warps) {
  return (sizeof(float) * 2 * kTileBuffer + sizeof(unsigned long long) * 2 * kBudgetBins) * static_cast<size_t>(warps);
}

/* Any cooperative grid of whole warps, kMostWarps at most to a block. */
__global__ void __launch_bounds__(32 * kMostWarps, 1) verify_staged(const __grid_constant__ VerifyParameters a) {
  using namespace staged;
  unsigned long long* bins = dynamic_shared<unsigned long long>() + threadIdx.x / 32 * 2 * kBudgetBins;
  float* tiles = reinterpret_cast<float*>(dynamic_shared<unsigned long long>() + blockDim.x / 32 * 2 * kBudgetBins) +
                 threadIdx.x / 32 * 2 * kTileBuffer;
  const Buffers buffers = {tiles, tiles + kTileBuffer};
  const int64_t warp = static_cast<int64_t>(threadIdx.x / 32) * gridDim.x + blockIdx.x;
  const int64_t warps = static_cast<int64_t>(blockDim.x / 32) * gridDim.x;
  const cooperative_groups::grid_group grid = cooperative_groups::this_grid();
  const Workspace& w = a.workspace;

  reduce_rows<true>(
      a, warp, warps, buffers.target,
      [&](const Sequence& s, int i, const coolsd_normaliser& n) {
        if (a.factor_policy == COOLSD_FACTORS_ENTROPY && i < s.length) find_entropy(a, s, i, n);
      },
      [&](const Sequence& s) { after_rows(a, s, buffers); });
  grid.sync();

  if (has(a, kBudget)) {
    run(a, kBudget, warp, warps, [&](const Sequence& s, int i, int tile, Mask mask, int all) {
      bin_tile(a, s, i, tile, buffers, bins);
      if (!arrive(w.row_arrivals + target_row(a, s.b, i), static_cast<unsigned>(all))) return;
      FixedBin* bad = bins_of(a, s, i) + kBudgetBins;
      const unsigned long long found = load_workspace(&bad->excess);
      const float omega = spend(a, s, i);
      if (lane_id() == 0) {
        store_workspace(&bad->excess, 0);
        store_workspace(w.factors + place(a, s, i), found == 0 ? omega : 1 - static_cast<float>(__ffsll(found)));
      }
      if (arrive(w.residual_arrivals + s.b, static_cast<unsigned>(__popcll(mask)))) {
        after_factors(a, s, load_decision(w.decisions + s.b), buffers);
      }
    });
    grid.sync();
  }

  if (has(a, kMoments)) {
    run(a, kMoments, warp, warps, [&](const Sequence& s, int i, int tile, Mask mask, int all) {
      const ResidualPartial sum = residual_tile<true>(a, s, position<true>(a, s, i), tile, buffers);
      if (lane_id() == 0) store_pair(residual_partials<true>(a, s, i) + tile, sum);
      if (arrive(w.residual_arrivals + s.b, static_cast<unsigned>(__popcll(mask) * all))) {
        carry_all(a, s, load_decision(w.decisions + s.b), buffers);
      }
    });
    grid.sync();
  }

  run(a, kSums, warp, warps, [&](const Sequence& s, int i, int tile, Mask mask, int all) {
    const bool block = a.rule == COOLSD_RULE_BLOCK;
    if (block) {
      const float sum = carried_tile(a, s, i, tile, buffers);
      if (lane_id() == 0) store_workspace(accepted_sums(a, s, i) + tile, sum);
    } else {
      const ResidualPartial sum = residual_tile<true>(a, s, position<true>(a, s, i), tile, buffers);
      if (lane_id() == 0) store_pair(residual_partials<true>(a, s, i) + tile, sum);
    }
    if (!arrive(w.residual_arrivals + s.b, static_cast<unsigned>(__popcll(mask) * all))) return;
    const Decision d = load_decision(w.decisions + s.b);
    if (block) {
      conclude(a, s, d, mask, buffers);
    } else {
      finish<true>(a, s, d, buffers);
    }
  });
}

}  // namespace coolsd
