/*
 * The rule of relaxed speculative decoding (docs/method.md), one definition for every backend.
 *
 * P is the target's probability of a token, Q the drafter's, omega the relaxation factor of the draft position and
 * affine what the affine rule adds. The number type is the caller's: float in a GPU thread, double for one token on the
 * CPU, a SIMD register for many. Ops says what "larger" means for it. Under Highway the file is read once per
 * instruction set, into its namespace.
 */
#if defined(COOLSD_KERNELS_COMMON_RULE_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COOLSD_KERNELS_COMMON_RULE_H
#undef COOLSD_KERNELS_COMMON_RULE_H
#else
#define COOLSD_KERNELS_COMMON_RULE_H
#endif

#include "qualifiers.h"

#ifdef HWY_NAMESPACE
namespace coolsd::simd::HWY_NAMESPACE {
#else
namespace coolsd {
#endif

/* The larger and the smaller of two plain numbers. */
struct ScalarOps {
  template <typename T>
  static COOLSD_HD T larger(T a, T b) {
    return a > b ? a : b;
  }
  template <typename T>
  static COOLSD_HD T smaller(T a, T b) {
    return a < b ? a : b;
  }
};

/*
 * Whether a draft token is accepted with the uniform u in [0, 1): probability min(1, omega P / Q), written without the
 * division. omega P = 0 is never accepted; Q = 0 with omega P > 0 always.
 */
template <typename T>
COOLSD_HD bool accept(T p, T q, T omega, T u) {
  const T allowed = omega * p;
  return allowed > 0 && (q <= 0 || u * q < allowed);
}

/* The same with probability min(1, affine + omega P / Q), and 0 where P = 0. */
template <typename T>
COOLSD_HD bool accept(T p, T q, T omega, T affine, T u) {
  const T allowed = omega * p;
  return p > 0 && (q <= 0 ? allowed > 0 || u < affine : u * q < affine * q + allowed);
}

/* Q f: the mass of one token that is accepted. */
template <typename T>
COOLSD_HD T taken(T p, T q, T omega, T affine) {
  const T allowed = affine * q + omega * p;
  return !(p > 0) ? 0 : q < allowed ? q : allowed;
}

/* Unnormalised resampling law: P - Q min(1, omega P / Q) = max(P - Q, (1 - omega) P, 0). kept is 1 - omega. */
template <typename Ops = ScalarOps, typename T>
COOLSD_HD T residual(T p, T q, T kept, T zero) {
  return Ops::larger(Ops::larger(p - q, kept * p), zero);
}

/* The same of the affine rule: max(P - Q, (1 - omega) P - affine Q, 0). */
template <typename Ops = ScalarOps, typename T>
COOLSD_HD T residual(T p, T q, T kept, T affine, T zero) {
  return Ops::larger(Ops::larger(p - q, kept * p - affine * q), zero);
}

/* Contribution of one token to D = TV(Phat, P): [Q f - P]+ = min([Q - P]+, [omega - 1]+ P). kept is 1 - omega. */
template <typename Ops = ScalarOps, typename T>
COOLSD_HD T drift(T p, T q, T kept, T zero) {
  return Ops::larger(Ops::smaller(q - p, zero - kept * p), zero);
}

/* The same of the affine rule, for a token with P > 0; 0 where P = 0. */
template <typename Ops = ScalarOps, typename T>
COOLSD_HD T drift(T p, T q, T kept, T affine, T zero) {
  return Ops::larger(Ops::smaller(q - p, affine * q - kept * p), zero);
}

/*
 * Phat of a token: Q f + (1 - sum Q f) Norm(residual), with sum Q f = 1 - residual + drift. residual and drift are the
 * sums over the vocabulary, taken is the token's Q f.
 */
template <typename T>
COOLSD_HD T law_of_position(T p, T token_taken, T residual_sum, T drift_sum) {
  const T rejected = ScalarOps::larger(residual_sum - drift_sum, T(0));
  const T rest = ScalarOps::larger(p - token_taken, T(0));
  return residual_sum > 0 ? token_taken + rejected * rest / residual_sum : token_taken + rejected * p;
}

#ifndef HWY_NAMESPACE

/*
 * Block verification (Sun et al., arXiv 2403.10444) of the law Phat. p_i is what the prefix of i tokens carries, with
 * p_0 = 1; S_i = sum over v of [p_i Phat_(i+1)(v) - Q_(i+1)(v)]+.
 */

/*
 * What sums in f32 may be wrong by. Less than this cannot be told from nothing, and has to count as nothing: what is
 * drawn from behind a prefix that carries 1 less a rounding error would be a law of rounding errors.
 */
constexpr double kBlockRounding = 1e-6;

/* What is left of [P - Q]+ in Phat = min(Q, omega P) + left [P - Q]+; 1 where omega <= 1, since Phat = P there. */
COOLSD_HD double residual_left(double omega, double residual_sum, double drift_sum) {
  if (!(omega > 1) || !(residual_sum > 0)) return 1;
  return residual_sum - drift_sum > kBlockRounding ? 1 - drift_sum / residual_sum : 0;
}

/* Phat of one token. */
COOLSD_HD double block_law(double p, double q, double omega, double left) {
  if (!(omega > 1)) return p;
  return p > q ? q + left * (p - q) : ScalarOps::smaller(q, omega * p);
}

/* p_i of p_(i-1) and the drafted token's Phat and Q. */
COOLSD_HD double carry(double before, double phat, double q) {
  const double reached = before * phat;
  if (!(reached > 0)) return 0;
  return reached >= q * (1 - kBlockRounding) ? 1 : reached / q;
}

/* h_i, with which the prefix of i < L tokens is accepted; h_L = p_L. It is at most p_i, since S_i is. */
COOLSD_HD double block_acceptance(double carried, double s) {
  return carried >= 1 ? 1 : s > 0 ? s / (s + 1 - carried) : 0;
}

/*
 * [p Phat - Q]+ = target [P - draft Q]+ of every token: where P <= Q it is 0 since p Phat <= Q, and elsewhere
 * Phat = Q + left (P - Q). target is p left, and with it 0 nothing is left.
 */
struct BlockResidual {
  double target;
  double draft;
};
COOLSD_HD BlockResidual block_residual(double carried, double left) {
  const double target = carried * left;
  return {target, target > 0 ? 1 + (1 - carried) / target : 0};
}

#endif

}  // namespace

#endif
