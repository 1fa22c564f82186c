/*
 * The rule of relaxed speculative decoding (METHOD.md), one definition for every backend.
 *
 * P is the target's probability of a token, Q the drafter's, omega the relaxation factor of the draft position. The
 * number type is the caller's: float in a GPU thread, double for one token on the CPU, a SIMD register for many. Ops
 * says what "larger" means for it. Under Highway the file is read once per instruction set, into its namespace.
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

/* Unnormalised resampling law: P - Q min(1, omega P / Q) = max(P - Q, (1 - omega) P, 0). kept is 1 - omega. */
template <typename Ops = ScalarOps, typename T>
COOLSD_HD T residual(T p, T q, T kept, T zero) {
  return Ops::larger(Ops::larger(p - q, kept * p), zero);
}

/* Contribution of one token to D = TV(Phat, P): [Q f - P]+ = min([Q - P]+, [omega - 1]+ P). kept is 1 - omega. */
template <typename Ops = ScalarOps, typename T>
COOLSD_HD T drift(T p, T q, T kept, T zero) {
  return Ops::larger(Ops::smaller(q - p, zero - kept * p), zero);
}

}  // namespace

#endif
