/* The probability law of a row whose normaliser is known. */
#ifndef COOLSD_KERNELS_COMMON_LAW_CUH
#define COOLSD_KERNELS_COMMON_LAW_CUH

#include "law.h"
#include "power.h"
#include "row.cuh"

namespace coolsd {

/* 2^t for t <= 0, 0 below -126; relative error at most 2^-22 (PTX ISA, ex2.approx.ftz.f32). */
__device__ __forceinline__ float exp2_nonpositive(float t) {
#ifdef __CUDACC__
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(t));
  return y;
#else
  return t < -126 ? 0 : exp2f(t);
#endif
}

struct Law {
  double mass;
  double scale;
  float largest;
  float cut_value;
  int32_t cut_index;
  int32_t lo, hi;
};

__device__ __forceinline__ Law law_of(const LawParameters& l, const coolsd_normaliser& n) {
  return {n.mass, l.scale, n.largest, n.cut_value, n.cut_index, l.lo, l.hi};
}

/* Weight of a token relative to the largest; not for tokens outside the window. */
__device__ __forceinline__ float weight(const Law& law, float x, int32_t token) {
  const float e = exp2_nonpositive((x - law.largest) * static_cast<float>(law.scale));
  return kept(x, token, law.cut_value, law.cut_index) ? e : 0;
}

/* Probability of a token in double whose guided logit is x; 0 outside the window. */
__device__ __forceinline__ double probability(const Law& law, float x, int32_t token) {
  const bool has = token >= law.lo && token < law.hi && x > -kInf && kept(x, token, law.cut_value, law.cut_index);
  const double below = (static_cast<double>(x) - static_cast<double>(law.largest)) * law.scale;
  return has ? nonpositive_power(below) / law.mass : 0;
}

/* The guided logit of a token inside a window; else -inf. */
__device__ __forceinline__ float logit_inside(int32_t lo, int32_t hi, const RowView& row, int32_t token) {
  return token >= lo && token < hi ? value(row, token) : -kInf;
}
__device__ __forceinline__ double probability(const Law& law, const RowView& row, int32_t token) {
  return probability(law, logit_inside(law.lo, law.hi, row, token), token);
}

/* Normalisers in the workspace: the row's status in place of `reserved`. */
__device__ __forceinline__ coolsd_normaliser load_normaliser(const coolsd_normaliser* p) {
  const double mass = load_workspace(&p->mass);
  return {mass, load_workspace(&p->largest), load_workspace(&p->cut_value), load_workspace(&p->cut_index),
          load_workspace(&p->reserved)};
}
/* The same for a whole warp: one lane reads. */
__device__ __forceinline__ coolsd_normaliser broadcast(coolsd_normaliser n) {
  n.mass = broadcast(n.mass);
  n.largest = broadcast(n.largest);
  n.cut_value = broadcast(n.cut_value);
  n.cut_index = broadcast(n.cut_index);
  n.reserved = broadcast(n.reserved);
  return n;
}
__device__ __forceinline__ coolsd_normaliser load_normaliser_once(const coolsd_normaliser* p) {
  coolsd_normaliser n = {0, 0, 0, 0, 0};
  if (lane_id() == 0) n = load_normaliser(p);
  return broadcast(n);
}
__device__ __forceinline__ void store_normaliser(coolsd_normaliser* p, const coolsd_normaliser& n) {
  store_workspace(&p->mass, n.mass);
  store_workspace(&p->largest, n.largest);
  store_workspace(&p->cut_value, n.cut_value);
  store_workspace(&p->cut_index, n.cut_index);
  store_workspace(&p->reserved, n.reserved);
}

}  // namespace coolsd

#endif
