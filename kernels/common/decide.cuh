/* Verification token by token, and the outputs of a sequence. */
#ifndef COOLSD_KERNELS_COMMON_DECIDE_CUH
#define COOLSD_KERNELS_COMMON_DECIDE_CUH

#include "residual.cuh"

namespace coolsd {

/* For a whole warp. */
__device__ __forceinline__ Decision load_decision(const Decision* p) {
  int4 v = {0, 0, 0, 0};
  if (lane_id() == 0) v = load_workspace(reinterpret_cast<const int4*>(p));
  return {broadcast(v.x), broadcast(v.y), broadcast(v.z), broadcast(v.w)};
}
__device__ __forceinline__ void store_decision(Decision* p, const Decision& d) {
  store_workspace(reinterpret_cast<int4*>(p), int4{d.stop, d.status, d.rejected, d.needed});
}

/* What is wrong with the inputs of a sequence, before any row is looked at; all lanes. */
__device__ __forceinline__ int input_status(const VerifyParameters& a, const Sequence& s) {
  if (s.status != COOLSD_ROW_OK) return s.status;
  bool outside = false, bad = false;
  for (int i = lane_id(); i < s.length; i += 32) {
    const int token = draft_token(a, s, i);
    outside = outside || token < 0 || token >= a.vocab;
    for (const float x : {given_omega(a, s, i), given_budget(a, s, i)}) bad = bad || !(x >= 0 && is_finite(x));
  }
  if (__any_sync(kAllLanes, bad)) return COOLSD_ROW_FACTOR;
  return __any_sync(kAllLanes, outside) ? COOLSD_ROW_TOKEN_OUT_OF_RANGE : COOLSD_ROW_OK;
}

/* What the normalisers of both rows and the drafted token show. */
__device__ __forceinline__ int position_status(const VerifyParameters& a, const Sequence& s, int i) {
  const int status = load_workspace(&a.workspace.normalisers[target_row(a, s.b, i)].reserved);
  if (status != COOLSD_ROW_OK) return status;
  return draft_status(a, s, draft_normaliser(a, s.b, i), draft_view(a, s, i), draft_token(a, s, i));
}

/* Of a position without fault. */
template <bool kStaged>
__device__ __forceinline__ bool accepts(const VerifyParameters& a, const Sequence& s, int i, float omega) {
  const int token = draft_token(a, s, i);
  const RowView row = target_view(a, s, i);
  const Law p = law_of(s.target, load_normaliser(a.workspace.normalisers + target_row(a, s.b, i)));
  const Law q = law_of(s.draft, draft_normaliser(a, s.b, i));
  const double u = uniform_at(a, s, i, COOLSD_ACCEPT);
  const bool lantern = !kStaged && a.lantern.neighbours != nullptr;
  const double target = lantern ? pooled_probability(a, p, row, token).probability : probability(p, row, token);
  const double draft = probability(q, draft_view(a, s, i), token);
  const double relaxed = lantern ? 1 : static_cast<double>(omega);
  return accept(target, draft, relaxed, static_cast<double>(a.affine), u);
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
__device__ __forceinline__ Decision decide(const VerifyParameters& a, const Sequence& s, int limit, int pending) {
  Decision d = {limit, pending, 0, 0};
  for (int from = 0; from < limit; from += 32) {
    const int i = from + lane_id();
    int status = COOLSD_ROW_OK;
    bool accepted = true;
    if (i < limit) {
      const float omega = factor<kStaged>(a, s, i);
      status = kStaged && omega < 0 ? static_cast<int>(-omega) : position_status(a, s, i);
      if (status == COOLSD_ROW_OK) accepted = accepts<kStaged>(a, s, i, omega);
    }
    const unsigned stops = __ballot_sync(kAllLanes, status != COOLSD_ROW_OK || !accepted);
    if (stops == 0) continue;
    const int lane = __ffs(static_cast<int>(stops)) - 1;
    d.stop = from + lane;
    d.status = __shfl_sync(kAllLanes, status, lane);
    d.rejected = d.status == COOLSD_ROW_OK;
    break;
  }
  if (d.stop == s.length && d.status == COOLSD_ROW_OK) {
    d.status = load_normaliser_once(a.workspace.normalisers + target_row(a, s.b, s.length)).reserved;
  }
  for (int i = 0; i <= d.stop && i < limit; ++i) d.needed += needs_residual<kStaged>(a, s, d, i);
  return d;
}

/* P/Phat of a token at a position with these moments. */
__device__ __forceinline__ double ratio_to_target(const VerifyParameters& a, const Position& at, int token,
                                                  const Moments& m) {
  const double p = probability(at.p, at.target, token), q = probability(at.q, at.draft, token);
  const double gone = a.lantern.neighbours != nullptr
                          ? lantern_taken(pooled_probability(a, at.p, at.target, token).probability, q)
                          : taken(p, q, static_cast<double>(at.omega), static_cast<double>(a.affine));
  return p / law_of_position(p, gone, m.residual, m.drift);
}

/* What became of a sequence: `stop` tokens of its draft and then `drawn`, or none. */
struct Outcome {
  int status, stop, drawn;
};

/*
 * Every output of a sequence once, by one warp. known(i) says whether the moments of a position were summed; where they
 * were not its law is P in the reports.
 */
template <bool kStaged, typename Known>
__device__ __forceinline__ void write_outputs(const VerifyParameters& a, const Sequence& s, const Outcome& outcome,
                                              Known known) {
  const int status = outcome.status, stop = outcome.stop, drawn = outcome.drawn;
  const int b = s.b, length = a.draft_length;
  const bool writes = lane_id() == 0, good = status == COOLSD_ROW_OK;
  const int emitted = good ? stop + 1 : 0;
  const int64_t out = static_cast<int64_t>(b) * (length + 1);
  for (int i = lane_id(); i <= length; i += 32) {
    const bool drafted = i < s.length && i < emitted;
    const int token = i + 1 == emitted ? drawn : drafted ? draft_token(a, s, i) : -1;
    store_global(a.tokens + out + i, token);
    if (a.log_prob != nullptr) {
      store_global(a.log_prob + out + i,
                   i < emitted ? log(probability(
                                     law_of(s.target, load_normaliser(a.workspace.normalisers + target_row(a, b, i))),
                                     target_view(a, s, i), token))
                               : 0.0);
    }
    if (a.factors != nullptr && i < length) {
      store_global(a.factors + static_cast<int64_t>(b) * length + i, drafted ? factor<kStaged>(a, s, i) : 0.0f);
    }
  }
  if (writes && a.accepted != nullptr) store_global(a.accepted + b, good ? stop : 0);
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
    if (i < s.length && i < emitted && known(i)) {
      const Position at = position<kStaged>(a, s, i);
      const Moments m = moments<kStaged>(a, s, i, at.p.mass);
      shift = m.drift;
      if (a.ratio != nullptr) quotient = ratio_to_target(a, at, i + 1 == emitted ? drawn : at.token, m);
    }
    if (writes && a.drift != nullptr && i < length) store_global(a.drift + static_cast<int64_t>(b) * length + i, shift);
    if (writes && a.ratio != nullptr) store_global(a.ratio + out + i, quotient);
  }
}

/* The status that a sequence comes to: an earlier draft row that turned out bad comes before what stopped it. */
template <bool kStaged>
__device__ __forceinline__ int final_status(const VerifyParameters& a, const Sequence& s, const Decision& d) {
  for (int i = 0; d.needed > 0 && i <= d.stop && i < s.length; ++i) {
    if (!needs_residual<kStaged>(a, s, d, i)) continue;
    const Moments m = moments<kStaged>(a, s, i, 1);
    if (m.status != COOLSD_ROW_OK) return m.status;
  }
  return d.status;
}

}  // namespace coolsd

#endif
