/* The token behind the accepted ones, drawn by one warp: a tile by the tiles' sums, then a token in it. */
#ifndef COOLSD_KERNELS_COMMON_DRAW_CUH
#define COOLSD_KERNELS_COMMON_DRAW_CUH

#include "choose.cuh"
#include "residual.cuh"

namespace coolsd {

/* Where a token is drawn from: tiles' sums that are there, and what was summed. */
enum Source {
  kTarget,   /* P */
  kResidual, /* [P - Q f]+ */
  kCarried,  /* [p Phat - Q]+ = p [P - draft Q]+ */
  kAccepted  /* Phat where nothing is left of [P - Q]+: min(Q, omega P), which is yet to be summed */
};

/* What became of a sequence: `stop` tokens of its draft and then `drawn`, or none. */
struct Outcome {
  int status, stop, drawn;
};

struct Draw {
  Source source;
  int i; /* the position */
  double u;
  float draft; /* block_residual()'s, for kCarried */
  int summed;  /* tiles of kAccepted */
  Choice tile; /* the next to be looked at */
};

__device__ __forceinline__ float* accepted_sums(const VerifyParameters& a, const Sequence& s, int i) {
  return a.workspace.accepted + (static_cast<int64_t>(s.b) * a.draft_length + i) * a.tiles;
}
__device__ __forceinline__ const Partial* target_partials(const VerifyParameters& a, const Sequence& s, int i) {
  return a.workspace.partials + static_cast<int64_t>(target_row(a, s.b, i)) * a.tiles;
}

/*
 * Finds the tile; where the source has nothing the token is drawn from P. False if the sequence is at its end without
 * one: a greedy law says the token at once, and a tile of a residual can say that its draft row is bad.
 */
template <bool kStaged>
__device__ __forceinline__ bool find_tile(const VerifyParameters& a, const Sequence& s, Draw* draw, float* buffer,
                                          Outcome* out) {
#pragma unroll 1
  for (;;) {
    const bool target = draw->source == kTarget;
    if (target && s.target.greedy) {
      out->drawn = broadcast(load_workspace(&a.workspace.normalisers[target_row(a, s.b, draw->i)].cut_index));
      return false;
    }
    const float* sums =
        target ? &target_partials(a, s, draw->i)->sum : &residual_partials<kStaged>(a, s, draw->i)->residual;
    if (kStaged && draw->source > kResidual) sums = accepted_sums(a, s, draw->i);
    draw->tile = choose_tile(sums, draw->source <= kResidual ? 2 : 1, target ? s.target.tiles() : residual_tiles(a, s),
                             draw->u, buffer);
    if (draw->tile.index >= 0) return true;
    if (draw->tile.index == kStatus) {
      out->status = summed_status<kStaged>(a, s, draw->i);
      return false;
    }
    draw->source = kTarget;
  }
}

/* What of a token counts. */
template <bool kStaged>
__device__ __forceinline__ float drawn_weight(const VerifyParameters& a, const PairTile& both, int k,
                                              const Draw& draw) {
  const TokenPair one = both(k);
  if (kStaged && draw.source == kAccepted) return ScalarOps::smaller(one.q, both.at.omega * one.p);
  /* Of P nothing is taken, as Q is 0. */
  const bool rejected = draw.source == kResidual;
  return residual(one.p, draw.source == kCarried ? draw.draft * one.q : one.q, rejected ? 1 - both.at.omega : 0.0f,
                  rejected ? a.affine : 0.0f, 0.0f);
}

}  // namespace coolsd

#endif
