/*
 * verify: one decoding step from raw logits to tokens in one launch, token by token with factors that are given. With
 * draft length 0 it is sample.
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

#include "common/decide.cuh"
#include "common/parameters.h"
#include "common/reduce.cuh"
#include "common/residual.cuh"

namespace coolsd {
namespace {

/* A sequence whose rows are all reduced: what becomes of it. */
__device__ __forceinline__ Decision complete_rows(const VerifyParameters& a, const Sequence& s) {
  int token;
  Decision d = {0, input_status(a, s, &token), 0, 0, 0};
  if (d.status == COOLSD_ROW_OK) d = decide<false>(a, s, s.length, COOLSD_ROW_OK, token);
  if (lane_id() == 0 && a.draft_length > 0) store_decision(a.workspace.decisions + s.b, d);
  return d;
}

/* The tile of a residual that an item of the second phase stands for; where only one position is summed i is not known.
 */
__device__ __forceinline__ Item residual_item(const VerifyParameters& a, unsigned item) {
  const unsigned tiles = static_cast<unsigned>(a.tiles);
  const int positions = certifies(a) ? a.draft_length : 1;
  const int place = static_cast<int>(item / tiles), tile = static_cast<int>(item % tiles);
  const int b = a.batch == 1 ? 0 : place / positions;
  return {b, place - b * positions, tile, false};
}

/* A tile of a residual. True for the warp that brings a sequence's last one. */
__device__ __forceinline__ bool residual_tile(const VerifyParameters& a, const Sequence& s, const Decision& d, int i,
                                              int tile, const PairTile& both, int status) {
  const ResidualPartial sum = sum_residuals<false>(a, both, status);
  if (lane_id() == 0) store_pair(residual_partials<false>(a, s, i) + tile, sum);
  return arrive(a.workspace.residual_arrivals + s.b, static_cast<unsigned>(d.needed * residual_tiles(a, s)));
}

/* What is drawn from, once all that is wanted is summed; false if nothing is. */
__device__ __forceinline__ bool finish_sums(const VerifyParameters& a, const Sequence& s, const Decision& d,
                                            Outcome* out, Draw* draw) {
  *out = {final_status<false>(a, s, d), d.stop, -1};
  if (out->status != COOLSD_ROW_OK) return false;
  const bool rejected = d.rejected != 0;
  draw->source = rejected ? kResidual : kTarget;
  draw->i = d.stop;
  draw->u = d.draw;
  return true;
}

/*
 * Sums tile `tile` of the residual at position i, if it is not -1. The warp that brings a sequence's last tile, or that
 * of a sequence which needs none, draws, and writes every output. Both look at a tile of two rows, whose code stands
 * here once.
 */
__device__ __forceinline__ void finish(const VerifyParameters& a, const Sequence& s, const Decision& d, int i, int tile,
                                       const Buffers& buffers) {
  Outcome out = {0, 0, -1};
  Draw draw = {kResidual, i, 0, 0, 0, {tile, 0}};
  bool sums = tile >= 0;
#pragma unroll 1
  for (;;) {
    if (!sums && (!finish_sums(a, s, d, &out, &draw) || !find_tile<false>(a, s, &draw, buffers.target, &out))) break;
    const bool target = draw.source == kTarget;
    Position at = position<false>(a, s, draw.i, !target, true);
    /* The tile's largest has the weight 1, however far it is below the row's. */
    if (target) at.p.largest = load_workspace(&target_partials(a, s, draw.i)[draw.tile.index].largest);
    const PairTile both(at, target ? s.target.lo : residual_lo(a, s), target ? s.target.hi : residual_hi(a, s),
                        draw.tile.index, buffers);
    const int status = sums ? both.status : COOLSD_ROW_OK;
    const bool optimal = a.lantern.optimal && !target;
    if (optimal && status == COOLSD_ROW_OK) pool_tile(a, both);
    if (!target && d.rejected > 1 && !optimal) clear_pooled(a, both, d.rejected - 1);
    if (sums) {
      if (!residual_tile(a, s, d, draw.i, tile, both, status)) return;
      sums = false;
      continue;
    }
    if (!optimal) {
      write_weights<8>(both.x, both.n, [&](int k) { return drawn_weight<false>(a, both, k, draw); });
    }
    out.drawn = both.first + choose(both.x, both.n, draw.tile.inside).index;
    break;
  }
  write_outputs<false>(a, s, out, [&](int k) { return needs_residual<false>(a, s, d, k); });
}

}  // namespace

/* Any grid of whole warps, kMostWarps at most to a block; cooperative unless draft_length is 0. */
__global__ void __launch_bounds__(32 * kMostWarps, 3) verify(const __grid_constant__ VerifyParameters a) {
  float* shared = dynamic_shared<float>() + threadIdx.x / 32 * 2 * kTileBuffer;
  const Buffers buffers = {shared, shared + kTileBuffer};
  const unsigned warp = threadIdx.x / 32 * gridDim.x + blockIdx.x;
  const unsigned warps = blockDim.x / 32 * gridDim.x;
#pragma unroll 1
  for (int phase = 0; phase < (a.draft_length > 0 ? 2 : 1); ++phase) {
    if (phase > 0) cooperative_groups::this_grid().sync();
    const unsigned positions = static_cast<unsigned>(a.batch * (certifies(a) ? a.draft_length : 1));
    const unsigned items = phase == 0 ? row_tiles(a) : positions * static_cast<unsigned>(a.tiles);
#pragma unroll 1
    for (unsigned item = warp; item < items; item += warps) {
      Item at = phase == 0 ? row_item(a, item) : residual_item(a, item);
      const Sequence s = sequence(a, at.b);
      Decision d = {0, 0, 0, 0, 0};
      if (phase == 0) {
        if (!reduce<false>(a, at, s, buffers.target)) continue;
        d = complete_rows(a, s);
        if (d.needed > 0) continue;
        at.tile = -1;
      } else {
        d = load_decision(a.workspace.decisions + at.b);
        if (!certifies(a)) at.i = d.stop;
        if (d.needed == 0 || at.tile >= residual_tiles(a, s) || !needs_residual<false>(a, s, d, at.i)) continue;
      }
      finish(a, s, d, at.i, at.tile, buffers);
    }
  }
}

}  // namespace coolsd
