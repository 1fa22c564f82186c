/*
 * verify: one decoding step from raw logits to tokens in one launch. With draft length 0 it is sample.
 *
 * 1. Warps reduce tiles of all rows to (largest, sum). The warp that brings a row's last tile combines the row, the
 * warp that brings a sequence's last row decides: which draft tokens are accepted, and which residuals are to be
 * summed. If none is, it draws and the sequence is finished.
 * 2. Grid barrier.
 * 3. Warps sum tiles of those residuals. The warp that brings a sequence's last tile draws, and finishes the sequence.
 *
 * Sums have an order of their own: tiles in index order by one warp, lanes in a tree. Grid and schedule change no bit.
 */
#include <cooperative_groups.h>

#include "common/law.cuh"
#include "common/memory.cuh"
#include "common/parameters.h"
#include "common/philox.h"
#include "common/row.cuh"
#include "common/rule.h"
#include "common/warp.cuh"

namespace coolsd {
namespace {

constexpr float kInf = __builtin_huge_valf();
constexpr int kEveryIndex = 0x7fffffff;

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

/* For a whole warp. */
__device__ __forceinline__ Decision load_decision(const Decision* p) {
  int4 v = {0, 0, 0, 0};
  if (lane_id() == 0) v = load_workspace(reinterpret_cast<const int4*>(p));
  return {broadcast(v.x), broadcast(v.y), broadcast(v.z), broadcast(v.w)};
}
__device__ __forceinline__ void store_decision(Decision* p, const Decision& d) {
  store_workspace(reinterpret_cast<int4*>(p), int4{d.stop, d.status, d.rejected, d.needed});
}

/* Buffers of one warp. */
struct Buffers {
  float* target;
  float* draft;
};

/* A sequence of the batch. */
struct Sequence {
  int b;
  int length; /* of its draft; 0 if out of range */
  bool valid; /* whether it was in range */
};

__device__ __forceinline__ Sequence sequence(const VerifyParameters& a, int b) {
  const int length = a.draft_lengths == nullptr ? a.draft_length : load_once(a.draft_lengths + b);
  const bool valid = length >= 0 && length <= a.draft_length;
  return {b, valid ? length : 0, valid};
}

__device__ __forceinline__ int target_row(const VerifyParameters& a, int b, int i) {
  return b * (a.draft_length + 1) + i;
}
__device__ __forceinline__ int draft_row(const VerifyParameters& a, int b, int i) {
  return a.batch * (a.draft_length + 1) + b * a.draft_length + i;
}
__device__ __forceinline__ RowView target_view(const VerifyParameters& a, int b, int i) {
  return row_view(a.target, a.target_uncond, a.target_law.guidance, b, i);
}
__device__ __forceinline__ RowView draft_view(const VerifyParameters& a, int b, int i) {
  return row_view(a.draft, a.draft_uncond, a.draft_law.guidance, b, i);
}
/* For a whole warp. */
__device__ __forceinline__ Law target_law(const VerifyParameters& a, int b, int i) {
  return law_of(a.target_law, load_normaliser_once(a.workspace.normalisers + target_row(a, b, i)));
}

__device__ __forceinline__ double uniform(const VerifyParameters& a, int b, int i, int purpose) {
  const unsigned long long position = load_global(a.positions + b) + static_cast<uint64_t>(i);
  return coolsd::uniform(load_global(a.seeds + b), position, static_cast<uint32_t>(purpose));
}

__device__ __forceinline__ int status_of(float x) {
  return x != x ? COOLSD_ROW_NAN : x == kInf ? COOLSD_ROW_INFINITE : COOLSD_ROW_OK;
}

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

/* Phase 1, one tile. */
__device__ __forceinline__ Partial reduce_tile(const RowView& row, const LawParameters& l, const Cutoff& cut, int tile,
                                               float* buffer) {
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
      if (!(mine[k] < kInf)) found = (32 * k + lane_id()) * 8 + status_of(mine[k]);
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
  float sum = 0;
  if (largest != -kInf) {
    const float scale = static_cast<float>(l.scale);
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const float e = exp2_nonpositive((mine[k] - largest) * scale);
      if (kept(mine[k], first + 32 * k + lane_id(), cut.value, cut.index)) sum += e;
    }
  }
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

/* Of a draft row, from the caller or the workspace. */
__device__ __forceinline__ coolsd_normaliser draft_normaliser(const VerifyParameters& a, int b, int i) {
  if (a.draft_normalisers == nullptr) return load_normaliser(a.workspace.normalisers + draft_row(a, b, i));
  const coolsd_normaliser* given = a.draft_normalisers + static_cast<int64_t>(b) * a.draft_length + i;
  return {load_global(&given->mass), load_global(&given->largest), load_global(&given->cut_value),
          load_global(&given->cut_index), COOLSD_ROW_OK};
}

/* What is wrong with a draft row, as far as its normaliser and one token show. */
__device__ __forceinline__ int draft_status(const VerifyParameters& a, const coolsd_normaliser& n, const RowView& row,
                                            int token) {
  if (a.draft_normalisers == nullptr) return n.reserved;
  const double finite = 1.7976931348623157e308;
  if (!(n.mass > 0 && n.mass <= finite && n.largest > -kInf && n.largest < kInf && n.cut_value <= n.largest)) {
    return COOLSD_ROW_NORMALISER;
  }
  if (token < a.draft_law.lo || token >= a.draft_law.hi) return COOLSD_ROW_OK;
  const float x = value(row, token);
  const int status = status_of(x);
  return status == COOLSD_ROW_OK && x > n.largest ? COOLSD_ROW_NORMALISER : status;
}

/* LANTERN: P(x) and the longest prefix of its neighbours within the bound; *pooled is its length. */
__device__ __forceinline__ double pooled_probability(const VerifyParameters& a, const Law& p, const RowView& row,
                                                     int token, int* pooled) {
  const double own = probability(p, row, token);
  const double limit = a.lantern.plus_plus ? (a.lantern.bound - 1) * own : a.lantern.bound;
  const int32_t* neighbours = a.lantern.neighbours + static_cast<int64_t>(token) * a.lantern.k;
  double sum = 0;
  int m = 0;
  for (; m < a.lantern.k; ++m) {
    const double next = sum + probability(p, row, load_global(neighbours + m));
    if (next > limit) break;
    sum = next;
  }
  *pooled = m;
  return own + sum;
}

/* Q(v) min(1, P'(v) / Q(v)): what LANTERN takes of one token. */
__device__ __forceinline__ double lantern_taken(const VerifyParameters& a, const Law& p, const RowView& row, int token,
                                                double q) {
  int pooled;
  const double all = pooled_probability(a, p, row, token, &pooled);
  return all <= 0 ? 0 : ScalarOps::smaller(q, all);
}

__device__ __forceinline__ bool certifies(const VerifyParameters& a) {
  return a.drift != nullptr || a.ratio != nullptr;
}

/* Whether the residual of a position is to be summed. */
__device__ __forceinline__ bool needs_residual(const VerifyParameters& a, const Decision& d, int i) {
  if (i == d.stop) return d.rejected != 0;
  if (i > d.stop || !certifies(a)) return false;
  /* Only the drift is wanted, and Q f <= P. */
  return a.lantern.neighbours != nullptr || a.ratio != nullptr || a.omega[i] > 1;
}

/* Which tokens are accepted; every lane looks at its own positions. */
__device__ __forceinline__ Decision decide(const VerifyParameters& a, const Sequence& s) {
  const int b = s.b;
  Decision d = {s.length, COOLSD_ROW_OK, 0, 0};
  if (!s.valid) return {0, COOLSD_ROW_DRAFT_LENGTH, 0, 0};
  const int32_t* tokens = a.draft_tokens + static_cast<int64_t>(b) * a.draft_length;
  bool outside = false;
  for (int i = lane_id(); i < s.length; i += 32) {
    const int token = load_global(tokens + i);
    outside = outside || token < 0 || token >= a.vocab;
  }
  if (__any_sync(kAllLanes, outside)) return {0, COOLSD_ROW_TOKEN_OUT_OF_RANGE, 0, 0};
  for (int from = 0; from < s.length; from += 32) {
    const int i = from + lane_id();
    int status = COOLSD_ROW_OK;
    bool accepted = true;
    if (i < s.length) {
      const int token = load_global(tokens + i);
      const coolsd_normaliser n = load_normaliser(a.workspace.normalisers + target_row(a, b, i));
      status = n.reserved;
      if (status == COOLSD_ROW_OK) {
        const Law p = law_of(a.target_law, n);
        const RowView row = target_view(a, b, i), other = draft_view(a, b, i);
        const coolsd_normaliser m = draft_normaliser(a, b, i);
        const Law q = law_of(a.draft_law, m);
        status = draft_status(a, m, other, token);
        if (status == COOLSD_ROW_OK) {
          const double u = uniform(a, b, i, COOLSD_ACCEPT);
          int pooled;
          const bool lantern = a.lantern.neighbours != nullptr;
          const double target = lantern ? pooled_probability(a, p, row, token, &pooled) : probability(p, row, token);
          const double omega = lantern ? 1 : static_cast<double>(a.omega[i]);
          accepted = accept(target, probability(q, other, token), omega, u);
        }
      }
    }
    const unsigned stops = __ballot_sync(kAllLanes, status != COOLSD_ROW_OK || !accepted);
    if (stops == 0) continue;
    const int lane = __ffs(static_cast<int>(stops)) - 1;
    d.stop = from + lane;
    d.status = __shfl_sync(kAllLanes, status, lane);
    d.rejected = d.status == COOLSD_ROW_OK;
    break;
  }
  if (d.stop == s.length) {
    d.status = load_normaliser_once(a.workspace.normalisers + target_row(a, b, s.length)).reserved;
  }
  for (int i = 0; i <= d.stop && i < s.length; ++i) d.needed += needs_residual(a, d, i);
  return d;
}

/* Inverse CDF of P at u, by one warp: a tile by the tiles' sums, then a token in it. */
__device__ __forceinline__ int draw_target(const VerifyParameters& a, int b, int i, double u, float* buffer) {
  const int row = target_row(a, b, i);
  const coolsd_normaliser n = load_normaliser_once(a.workspace.normalisers + row);
  if (a.target_law.greedy) return n.cut_index;
  const Law p = law_of(a.target_law, n);
  const Partial* partials = a.workspace.partials + static_cast<int64_t>(row) * a.tiles;
  const Place tile = choose(a.target_law.tiles(), u,
                            [&](int t) { return tile_weight(load_pair<Partial>(partials + t), n.largest, p.scale); });
  const Partial chosen = load_pair<Partial>(partials + tile.index);
  const double inside = (u * tile.total - tile.before) / tile_weight(chosen, n.largest, p.scale);
  const int first = p.lo + tile.index * kTile;
  const int size = min(kTile, p.hi - first);
  const float* x = stage(target_view(a, b, i), first, size, buffer);
  Law of_tile = p;
  of_tile.largest = chosen.largest;
  const Place token =
      choose(size, inside, [&](int k) { return static_cast<double>(weight(of_tile, load_shared(x + k), first + k)); });
  return first + token.index;
}

/* Tokens that can be in the residual or the drift: P's window, but with LANTERN neighbours lend theirs to any token. */
__device__ __forceinline__ int residual_lo(const VerifyParameters& a) {
  return a.lantern.optimal ? 0 : a.target_law.lo;
}
__device__ __forceinline__ int residual_hi(const VerifyParameters& a) {
  return a.lantern.optimal ? a.vocab : a.target_law.hi;
}
__device__ __forceinline__ int residual_tiles(const VerifyParameters& a) {
  return (residual_hi(a) - residual_lo(a) + kTile - 1) / kTile;
}

/* Both rows of a position whose residual is summed. */
struct Position {
  RowView target, draft;
  Law p, q;
  float ratio; /* P's mass by Q's */
  float kept;  /* 1 - omega */
  int token;
  int pooled; /* LANTERN's own residual: neighbours that count as Q = 0; else 0 */
};

/* For a whole warp. */
__device__ __forceinline__ Position position(const VerifyParameters& a, int b, int i) {
  Position at;
  at.target = target_view(a, b, i);
  at.draft = draft_view(a, b, i);
  at.p = target_law(a, b, i);
  at.token = load_once(a.draft_tokens + static_cast<int64_t>(b) * a.draft_length + i);
  coolsd_normaliser n = {0, 0, 0, 0, 0};
  if (lane_id() == 0) n = draft_normaliser(a, b, i);
  at.q = law_of(a.draft_law, broadcast(n));
  at.ratio = static_cast<float>(at.p.mass / at.q.mass);
  at.kept = static_cast<float>(1 - static_cast<double>(a.omega[i]));
  at.pooled = 0;
  if (a.lantern.neighbours != nullptr && !a.lantern.optimal) {
    if (lane_id() == 0) pooled_probability(a, at.p, at.target, at.token, &at.pooled);
    at.pooled = broadcast(at.pooled);
  }
  return at;
}

/* One tile of both rows, staged; token first + k is x[k] and y[k], each where its window has it. */
struct ResidualTile {
  const VerifyParameters& a;
  const Position& at;
  int first, n;
  int p_from, p_to; /* the part inside the target's window */
  int from, to;     /* the part inside the draft's window */
  float* x;
  float* y;

  __device__ ResidualTile(const VerifyParameters& parameters, const Position& position, int tile,
                          const Buffers& buffers)
      : a(parameters), at(position) {
    first = residual_lo(a) + tile * kTile;
    n = min(kTile, residual_hi(a) - first);
    p_from = min(max(at.p.lo - first, 0), n);
    p_to = max(min(at.p.hi - first, n), p_from);
    from = min(max(at.q.lo - first, 0), n);
    to = max(min(at.q.hi - first, n), from);
    x = stage(at.target, first + p_from, p_to - p_from, buffers.target) - p_from;
    y = stage(at.draft, first + from, to - from, buffers.draft) - from;
  }

  /* Status of the draft's logits in this tile; all lanes. */
  __device__ int status() const {
    int found = 8;
    for (int k = from + lane_id(); k < to; k += 32) {
      const float v = load_shared(y + k);
      if (v != v)
        found = COOLSD_ROW_NAN;
      else if (v > at.q.largest)
        found = min(found, static_cast<int>(v == kInf ? COOLSD_ROW_INFINITE : COOLSD_ROW_NORMALISER));
    }
    found = warp_smallest(found);
    return found == 8 ? COOLSD_ROW_OK : found;
  }

  /* LANTERN's own residual: pooled neighbours keep all of P. */
  __device__ void pool() {
    if (at.pooled == 0) return;
    const int32_t* neighbours = a.lantern.neighbours + static_cast<int64_t>(at.token) * a.lantern.k;
    __syncwarp();
    if (lane_id() == 0) {
      for (int m = 0; m < at.pooled; ++m) {
        const int k = load_global(neighbours + m) - first;
        if (k >= from && k < to) store_shared(y + k, -kInf);
      }
    }
    __syncwarp();
  }

  /* Of token first + k, in units of P's exponentials. */
  __device__ __forceinline__ ResidualPartial operator()(int k) const {
    const int token = first + k;
    const float p = k < p_from || k >= p_to ? 0 : weight(at.p, load_shared(x + k), token);
    if (k < from || k >= to) return {p, 0};
    const float q = weight(at.q, load_shared(y + k), token) * at.ratio;
    if (a.lantern.optimal) {
      const double law = static_cast<double>(p);
      const double taken = at.p.mass * lantern_taken(a, at.p, at.target, token, static_cast<double>(q) / at.p.mass);
      return {static_cast<float>(ScalarOps::larger(law - taken, 0.0)),
              static_cast<float>(ScalarOps::larger(taken - law, 0.0))};
    }
    return {residual(p, q, at.kept, 0.0f), drift(p, q, at.kept, 0.0f)};
  }
};

__device__ __forceinline__ ResidualPartial residual_tile(const VerifyParameters& a, const Position& at, int tile,
                                                         const Buffers& buffers) {
  ResidualTile both(a, at, tile, buffers);
  const int status = both.status();
  if (status != COOLSD_ROW_OK) return {-static_cast<float>(status), 0};
  both.pool();
  ResidualPartial sum = {0, 0};
  for (int k = lane_id(); k < both.n; k += 32) {
    const ResidualPartial one = both(k);
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

__device__ __forceinline__ ResidualPartial* residual_partials(const VerifyParameters& a, int b, int i) {
  const int row = certifies(a) ? i : 0; /* else there is one position only */
  return a.workspace.residuals + (static_cast<int64_t>(b) * a.draft_length + row) * a.tiles;
}

__device__ __forceinline__ Moments moments(const VerifyParameters& a, int b, int i, double mass) {
  const ResidualPartial* partials = residual_partials(a, b, i);
  Moments sum = {0, 0, 8};
  for (int t = lane_id(); t < residual_tiles(a); t += 32) {
    const ResidualPartial one = load_pair<ResidualPartial>(partials + t);
    if (one.residual < 0) sum.status = min(sum.status, static_cast<int>(-one.residual));
    sum.residual += static_cast<double>(one.residual);
    sum.drift += static_cast<double>(one.drift);
  }
  const int status = warp_smallest(sum.status);
  return {warp_sum(sum.residual) / mass, warp_sum(sum.drift) / mass, status == 8 ? COOLSD_ROW_OK : status};
}

/* Inverse CDF of the residual at u, or of P where it is empty. */
__device__ __forceinline__ int draw_residual(const VerifyParameters& a, int b, int i, double u,
                                             const Buffers& buffers) {
  const ResidualPartial* partials = residual_partials(a, b, i);
  const Place tile = choose(residual_tiles(a), u, [&](int t) {
    return static_cast<double>(load_pair<ResidualPartial>(partials + t).residual);
  });
  if (tile.index < 0) return draw_target(a, b, i, u, buffers.target);
  const Position at = position(a, b, i);
  ResidualTile both(a, at, tile.index, buffers);
  both.pool();
  const double inside =
      (u * tile.total - tile.before) / static_cast<double>(load_pair<ResidualPartial>(partials + tile.index).residual);
  const Place token = choose(both.n, inside, [&](int k) { return static_cast<double>(both(k).residual); });
  return both.first + token.index;
}

/* P/Phat of a token at a position with these moments; Phat = Q f + (1 - sum Q f) Norm(residual). */
__device__ __forceinline__ double ratio_to_target(const VerifyParameters& a, const Position& at, int i, int token,
                                                  const Moments& m) {
  const double p = probability(at.p, at.target, token), q = probability(at.q, at.draft, token);
  const double taken = a.lantern.neighbours != nullptr ? lantern_taken(a, at.p, at.target, token, q)
                                                       : ScalarOps::smaller(q, static_cast<double>(a.omega[i]) * p);
  const double rejected = ScalarOps::larger(m.residual - m.drift, 0.0);
  const double rest = ScalarOps::larger(p - taken, 0.0);
  return p / (m.residual > 0 ? taken + rejected * rest / m.residual : taken + rejected * p);
}

/* Draws, and writes every output of a sequence once, by one warp. */
__device__ __forceinline__ void finish(const VerifyParameters& a, const Sequence& s, const Decision& d,
                                       const Buffers& buffers) {
  const int b = s.b, length = a.draft_length;
  const bool writes = lane_id() == 0;
  int status = d.status;
  if (certifies(a) || d.rejected) {
    /* An earlier draft row that turned out bad comes before what stopped the sequence. */
    for (int i = 0; i <= d.stop && i < s.length; ++i) {
      if (!needs_residual(a, d, i)) continue;
      const Moments m = moments(a, b, i, 1);
      if (m.status == COOLSD_ROW_OK) continue;
      status = m.status;
      break;
    }
  }
  const bool good = status == COOLSD_ROW_OK;
  int drawn = -1;
  if (good && d.rejected) {
    drawn = draw_residual(a, b, d.stop, uniform(a, b, d.stop, COOLSD_RESAMPLE), buffers);
  } else if (good) {
    drawn = draw_target(a, b, d.stop, uniform(a, b, d.stop, a.draw_purpose), buffers.target);
  }
  const int emitted = good ? d.stop + 1 : 0;
  const int64_t out = static_cast<int64_t>(b) * (length + 1);
  const int32_t* draft = a.draft_tokens + static_cast<int64_t>(b) * length;
  for (int i = lane_id(); i <= length; i += 32) {
    const int token = i + 1 == emitted ? drawn : i < emitted ? load_global(draft + i) : -1;
    store_global(a.tokens + out + i, token);
    if (a.log_prob != nullptr) {
      store_global(
          a.log_prob + out + i,
          i < emitted
              ? log(probability(law_of(a.target_law, load_normaliser(a.workspace.normalisers + target_row(a, b, i))),
                                target_view(a, b, i), token))
              : 0.0);
    }
  }
  if (writes && a.accepted != nullptr) store_global(a.accepted + b, good ? d.stop : 0);
  if (writes) store_global(a.status + b, status);
  if (writes && a.normalisers != nullptr) {
    coolsd_normaliser n = {0, 0, 0, 0, 0};
    if (good) n = load_normaliser(a.workspace.normalisers + target_row(a, b, 0));
    n.reserved = 0;
    coolsd_normaliser* to = a.normalisers + b;
    store_global(&to->mass, n.mass);
    store_global(&to->largest, n.largest);
    store_global(&to->cut_value, n.cut_value);
    store_global(&to->cut_index, n.cut_index);
    store_global(&to->reserved, n.reserved);
  }
  if (!certifies(a)) return;
  for (int i = 0; i <= length; ++i) {
    double shift = 0, quotient = 1;
    const bool drafted = i < s.length && i < emitted;
    if (drafted) {
      const Position at = position(a, b, i);
      Moments m = {0, 0, 0};
      if (needs_residual(a, d, i)) m = moments(a, b, i, at.p.mass);
      shift = m.drift;
      const int token = i + 1 == emitted ? drawn : at.token;
      if (a.ratio != nullptr) quotient = ratio_to_target(a, at, i, token, m);
    }
    if (writes && a.drift != nullptr && i < length) store_global(a.drift + static_cast<int64_t>(b) * length + i, shift);
    if (writes && a.ratio != nullptr) store_global(a.ratio + out + i, quotient);
  }
}

/* A row is complete: the last one of its sequence decides. */
__device__ __forceinline__ void complete_row(const VerifyParameters& a, const Sequence& s, const Buffers& buffers) {
  const int rows = s.length + 1 + (a.draft_normalisers == nullptr ? s.length : 0);
  if (!arrive(a.workspace.law_arrivals + s.b, static_cast<unsigned>(rows))) return;
  const Decision d = decide(a, s);
  if (lane_id() == 0 && a.draft_length > 0) store_decision(a.workspace.decisions + s.b, d);
  if (d.needed == 0) finish(a, s, d, buffers);
}

}  // namespace

/* Any grid of whole warps, kMostWarps at most to a block; cooperative unless draft_length is 0. */
__global__ void __launch_bounds__(32 * kMostWarps, 1) verify(const __grid_constant__ VerifyParameters a) {
  float* shared = dynamic_shared<float>() + threadIdx.x / 32 * 2 * kTileBuffer;
  const Buffers buffers = {shared, shared + kTileBuffer};
  const int64_t warp = static_cast<int64_t>(threadIdx.x / 32) * gridDim.x + blockIdx.x;
  const int64_t warps = static_cast<int64_t>(blockDim.x / 32) * gridDim.x;

  const int target_rows = a.batch * (a.draft_length + 1);
  const int rows = target_rows + (a.draft_normalisers == nullptr ? a.batch * a.draft_length : 0);
  for (int64_t item = warp; item < static_cast<int64_t>(rows) * a.tiles; item += warps) {
    const int row = static_cast<int>(item / a.tiles), tile = static_cast<int>(item % a.tiles);
    const bool target = row < target_rows;
    const int per_sequence = target ? a.draft_length + 1 : a.draft_length;
    const int place = target ? row : row - target_rows;
    const int b = place / per_sequence, i = place % per_sequence;
    const Sequence s = sequence(a, b);
    const LawParameters& l = target ? a.target_law : a.draft_law;
    if (i >= s.length + (target ? 1 : 0) || tile >= l.tiles()) continue;
    Cutoff cut = {-kInf, kEveryIndex};
    if (l.cut) {
      if (lane_id() == 0) {
        cut = {load_workspace(&a.workspace.cutoffs[row].value), load_workspace(&a.workspace.cutoffs[row].index)};
      }
      cut = {broadcast(cut.value), broadcast(cut.index)};
    }
    const RowView view = target ? target_view(a, b, i) : draft_view(a, b, i);
    const Partial partial = reduce_tile(view, l, cut, tile, buffers.target);
    if (lane_id() == 0) store_pair(a.workspace.partials + item, partial);
    if (!arrive(a.workspace.row_arrivals + row, static_cast<unsigned>(l.tiles()))) continue;
    const coolsd_normaliser n = combine_row(a, l, row);
    if (lane_id() == 0) store_normaliser(a.workspace.normalisers + row, n);
    complete_row(a, s, buffers);
  }
  if (a.draft_length == 0) return;

  cooperative_groups::this_grid().sync();

  const int positions = certifies(a) ? a.draft_length : 1;
  const int tiles = residual_tiles(a);
  for (int64_t item = warp; item < static_cast<int64_t>(a.batch) * positions * tiles; item += warps) {
    const int tile = static_cast<int>(item % tiles);
    const int place = static_cast<int>(item / tiles);
    const int b = place / positions;
    const Decision d = load_decision(a.workspace.decisions + b);
    const int i = certifies(a) ? place % positions : d.stop;
    if (d.needed == 0 || !needs_residual(a, d, i)) continue;
    const Position at = position(a, b, i);
    const ResidualPartial sum = residual_tile(a, at, tile, buffers);
    if (lane_id() == 0) store_pair(residual_partials(a, b, i) + tile, sum);
    if (arrive(a.workspace.residual_arrivals + b, static_cast<unsigned>(d.needed * tiles))) {
      finish(a, sequence(a, b), d, buffers);
    }
  }
}

}  // namespace coolsd
