/*
 * The rule of relaxed speculative decoding (METHOD.md), one definition for every backend.
 *
 * P is the target's probability of a token, Q the drafter's, omega the relaxation factor of the draft position.
 * The number type is the caller's: float on a GPU, double in the CPU backend.
 */
#ifndef COOLSD_KERNELS_COMMON_RULE_H
#define COOLSD_KERNELS_COMMON_RULE_H

#include "qualifiers.h"

namespace coolsd {

/*
 * Whether a draft token is accepted with the uniform u in [0, 1): probability min(1, omega P / Q), written without the
 * division. P = 0 is never accepted; Q = 0 with P > 0 always.
 */
template <typename T>
COOLSD_HD bool accept(T p, T q, T omega, T u) {
  return p > 0 && (q <= 0 || u * q < omega * p);
}

/* Unnormalised resampling law: P - Q min(1, omega P / Q) = max(P - Q, (1 - omega) P, 0). */
template <typename T>
COOLSD_HD T residual(T p, T q, T omega) {
  T r = p - q;
  T relaxed = (1 - omega) * p;
  r = r > relaxed ? r : relaxed;
  return r > 0 ? r : 0;
}

/* Contribution of one token to D = TV(Phat, P): min([Q - P]+, [omega - 1]+ P). */
template <typename T>
COOLSD_HD T drift(T p, T q, T omega) {
  T surplus = q - p;
  T allowed = (omega - 1) * p;
  T d = surplus < allowed ? surplus : allowed;
  return d > 0 ? d : 0;
}

}  // namespace coolsd

#endif
