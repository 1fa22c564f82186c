/* Verification token by token, and the outputs of a sequence. */
#ifndef COOLSD_KERNELS_COMMON_DECIDE_CUH
#define COOLSD_KERNELS_COMMON_DECIDE_CUH

#include "draw.cuh"
#include "residual.cuh"

namespace coolsd {

/* For a whole warp. */
__device__ __forceinline__ Decision load_decision(const Decision* p) {
  int4 v = {0, 0, 0, 0};
  double draw = 0;
  if (lane_id() == 0) {
    v = load_workspace(reinterpret_cast<const int4*>(p));
    draw = load_workspace(&p->draw);
  }
  return {broadcast(v.x), broadcast(v.y), broadcast(v.z), broadcast(v.w), broadcast(draw)};
}
__device__ __forceinline__ void store_decision(Decision* p, const Decision& d) {
  store_workspace(reinterpret_cast<int4*>(p), int4{d.stop, d.status, d.rejected, d.needed});
  store_workspace(&p->draw, d.draw);
}

/* The positions i < limit for which ask(i) holds; every lane asks for its own. */
using Mask = unsigned long long;
template <typename Ask>
__device__ __forceinline__ Mask positions_where(int limit, Ask ask) {
  Mask mask = 0;
#pragma unroll 1
  for (int from = 0; from < limit; from += 32) {
    const int i = from + lane_id();
    mask |= Mask{__ballot_sync(kAllLanes, i < limit && ask(i))} << from;
  }
  return mask;
}

/* What is wrong with the inputs of a sequence, before any row is looked at; all lanes. *own_token is the one at the
 * lane's position. */
__device__ __forceinline__ int input_status(const VerifyParameters& a, const Sequence& s, int* own_token) {
  *own_token = 0;
  if (s.status != COOLSD_ROW_OK) return s.status;
  bool outside = false, bad = false;
#pragma unroll 1
  for (int i = lane_id(); i < s.length; i += 32) {
    const int token = draft_token(a, s, i);
    if (i < 32) *own_token = token;
    const float omega = given_omega(a, s, i), budget = given_budget(a, s, i);
    outside = outside || token < 0 || token >= a.vocab;
    bad = bad || !(omega >= 0 && is_finite(omega) && budget >= 0 && is_finite(budget));
  }
  if (__any_sync(kAllLanes, bad)) return COOLSD_ROW_FACTOR;
  return __any_sync(kAllLanes, outside) ? COOLSD_ROW_TOKEN_OUT_OF_RANGE : COOLSD_ROW_OK;
}

/* What the normalisers of both rows show of a token at a position; without a draft row Q is 0. */
struct Look {
  int status;  /* P and Q are good where this is */
  double p, q; /* of the token */
  Law target;
};
__device__ __forceinline__ Look look_at(const VerifyParameters& a, const Sequence& s, int i, int token) {
  const bool drafted = i < s.length;
  const coolsd_normaliser n = load_normaliser(a.workspace.normalisers + target_row(a, s.b, i));
  coolsd_normaliser m = {1, 0, 0, 0, COOLSD_ROW_OK};
  if (drafted) m = draft_normaliser(a, s.b, i);
  const float x = logit_inside(s.target.lo, s.target.hi, target_view(a, s, i), token);
  const float y = logit_inside(s.draft.lo, drafted ? s.draft.hi : s.draft.lo, draft_view(a, s, i), token);
  int draft_status = m.reserved;
  if (a.draft_normalisers != nullptr) draft_status = sane(m) ? logit_status(y, m.largest) : COOLSD_ROW_NORMALISER;
  const Law p = law_of(s.target, n), q = law_of(s.draft, m);
  return {n.reserved != COOLSD_ROW_OK ? n.reserved : draft_status, probability(p, x, token), probability(q, y, token),
          p};
}

/* Of a position without fault: 0 if its token is accepted, else Decision::rejected. */
template <bool kStaged>
__device__ __forceinline__ int rejects(const VerifyParameters& a, const Sequence& s, int i, const Look& one,
                                       float omega, double u) {
  Pooled target = {one.p, 0};
  if (!kStaged && a.lantern.neighbours != nullptr) {
    target = pooled_probability(a, one.p, one.target, target_view(a, s, i), draft_token(a, s, i));
    omega = 1;
  }
  const bool accepted = accept(target.probability, one.q, static_cast<double>(omega), static_cast<double>(a.affine), u);
  return accepted ? 0 : 1 + target.neighbours;
}

/* Whether the residual of a position is to be summed. */
template <bool kStaged>
__device__ __forceinline__ bool needs_residual(const VerifyParameters& a, const Sequence& s, const Decision& d, int i) {
  if (i == d.stop) return d.rejected != 0;
  if (i > d.stop || !certifies(a)) return false;
  /* Only the drift is wanted, and Q f <= P. */
  return a.lantern.neighbours != nullptr || a.ratio != nullptr || a.affine > 0 || factor<kStaged>(a, s, i) > 1;
}

/*
 * Which tokens are accepted; every lane looks at its own positions. Positions from `limit` on are not looked at, and if
 * none before it is rejected `pending` is what the sequence comes to.
 */
template <bool kStaged>
__device__ __forceinline__ Decision decide(const VerifyParameters& a, const Sequence& s, int limit, int pending,
                                           int own_token) {
  Decision d = {limit, pending, 0, 0, 0};
#pragma unroll 1
  for (int from = 0; from <= limit; from += 32) {
    const int i = from + lane_id();
    int status = COOLSD_ROW_OK;
    int rejected = 0;
    const uint64_t seed = load_input(a, a.seeds + s.b);
    const uint64_t position = load_input(a, a.positions + s.b) + static_cast<uint64_t>(i);
    Look one = {};
    float omega = 0;
    if (i < limit) {
      omega = factor<kStaged>(a, s, i);
      one = look_at(a, s, i, from == 0 ? own_token : draft_token(a, s, i));
      status = kStaged && omega < 0 ? static_cast<int>(-omega) : one.status;
    }
    /* Both numbers together, whether they are needed or not. */
    const double u = uniform(seed, position, COOLSD_ACCEPT);
    const double draw =
        kStaged ? 0 : uniform(seed, position, static_cast<uint32_t>(i < limit ? COOLSD_RESAMPLE : a.draw_purpose));
    if (i < limit && status == COOLSD_ROW_OK) rejected = rejects<kStaged>(a, s, i, one, omega, u);
    const unsigned stops = __ballot_sync(kAllLanes, status != COOLSD_ROW_OK || rejected != 0);
    /* The draw behind the rejected token, or behind the last. */
    const int lane = stops != 0 ? __ffs(static_cast<int>(stops)) - 1 : limit - from;
    if (lane > 31) continue;
    d.draw = __shfl_sync(kAllLanes, draw, lane);
    if (stops == 0) break;
    d.stop = from + lane;
    d.status = __shfl_sync(kAllLanes, status, lane);
    d.rejected = __shfl_sync(kAllLanes, rejected, lane);
    break;
  }
  if (d.stop == s.length && d.status == COOLSD_ROW_OK) {
    d.status =
        broadcast(lane_id() == 0 ? load_workspace(&a.workspace.normalisers[target_row(a, s.b, s.length)].reserved) : 0);
  }
  d.needed = d.rejected != 0;
  if (certifies(a)) {
    d.needed =
        __popcll(positions_where(min(d.stop + 1, limit), [&](int i) { return needs_residual<kStaged>(a, s, d, i); }));
  }
  return d;
}

/*
 * Every output of a sequence once, by one warp. known(i) says whether the moments of a position were summed; where they
 * were not its law is P in the reports.
 */
template <bool kStaged, typename Known>
__device__ __forceinline__ void write_outputs(const VerifyParameters& a, const Sequence& s, const Outcome& outcome,
                                              Known known) {
  const int status = outcome.status, stop = outcome.stop, drawn = outcome.drawn;
  const int b = s.b, length = a.draft_length;
  const bool good = status == COOLSD_ROW_OK;
  const int emitted = good ? stop + 1 : 0;
  const int64_t out = static_cast<int64_t>(b) * (length + 1);
#pragma unroll 1
  for (int from = 0; from <= length; from += 32) {
    const int i = from + lane_id();
    const bool drafted = i < s.length && i < emitted;
    const int token = i + 1 == emitted ? drawn : drafted ? draft_token(a, s, i) : -1;
    const float omega = drafted ? factor<kStaged>(a, s, i) : 0;
    Look one = {};
    if (i < emitted && (a.log_prob != nullptr || certifies(a))) one = look_at(a, s, i, token);
    Moments mine = {0, 0, COOLSD_ROW_OK};
    const Mask summed = certifies(a) ? __ballot_sync(kAllLanes, drafted && known(i)) : 0;
#pragma unroll 1
    for (Mask rest = summed; rest != 0; rest &= rest - 1) {
      const int lane = __ffsll(static_cast<long long>(rest)) - 1;
      const Moments m = moments<kStaged>(a, s, from + lane);
      if (lane == lane_id()) mine = m;
    }
    double quotient = 1;
    if ((summed >> lane_id() & 1) != 0) {
      mine.residual /= one.target.mass;
      mine.drift /= one.target.mass;
      if (a.ratio != nullptr) {
        double gone;
        if (!kStaged && a.lantern.neighbours != nullptr) {
          gone =
              lantern_taken(pooled_probability(a, one.p, one.target, target_view(a, s, i), token).probability, one.q);
        } else {
          gone = taken(one.p, one.q, static_cast<double>(omega), static_cast<double>(a.affine));
        }
        quotient = one.p / law_of_position(one.p, gone, mine.residual, mine.drift);
      }
    }
    if (i > length) continue;
    store_global(a.tokens + out + i, token);
    if (a.log_prob != nullptr) store_global(a.log_prob + out + i, i < emitted ? log(one.p) : 0.0);
    if (a.ratio != nullptr) store_global(a.ratio + out + i, quotient);
    if (i == length) continue;
    const int64_t at = static_cast<int64_t>(b) * length + i;
    if (a.factors != nullptr) store_global(a.factors + at, omega);
    if (a.drift != nullptr) store_global(a.drift + at, mine.drift);
  }
  if (lane_id() != 0) return;
  if (a.accepted != nullptr) store_global(a.accepted + b, good ? stop : 0);
  store_global(a.status + b, status);
  if (a.normalisers == nullptr) return;
  coolsd_normaliser n = {0, 0, 0, 0, 0};
  if (good) n = load_normaliser(a.workspace.normalisers + target_row(a, b, 0));
  coolsd_normaliser* to = a.normalisers + b;
  store_global(&to->mass, n.mass);
  store_global(&to->largest, n.largest);
  store_global(&to->cut_value, n.cut_value);
  store_global(&to->cut_index, n.cut_index);
  store_global(&to->reserved, 0);
}

/*
 * The status that a sequence comes to: an earlier draft row that turned out bad comes before what stopped it. A
 * rejected position's own is found where its tiles' sums are drawn from.
 */
template <bool kStaged>
__device__ __forceinline__ int final_status(const VerifyParameters& a, const Sequence& s, const Decision& d) {
  if (!certifies(a)) return d.status;
#pragma unroll 1
  for (int i = 0; i < d.stop; ++i) {
    if (!needs_residual<kStaged>(a, s, d, i)) continue;
    const int status = summed_status<kStaged>(a, s, i);
    if (status != COOLSD_ROW_OK) return status;
  }
  return d.status;
}

}  // namespace coolsd

#endif
