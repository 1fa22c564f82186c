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

/* Draws, and writes every output. */
__device__ __forceinline__ void finish(const VerifyParameters& a, const Sequence& s, const Decision& d,
                                       const Buffers& buffers) {
  Outcome out = {final_status<false>(a, s, d), d.stop, -1};
  if (out.status == COOLSD_ROW_OK) {
    const double u = uniform_at(a, s, d.stop, d.rejected ? COOLSD_RESAMPLE : a.draw_purpose);
    if (d.rejected) {
      const ResidualPartial* partials = residual_partials<false>(a, s, d.stop);
      out.drawn = draw_summed<false>(
          a, s, d.stop, u, buffers,
          [&](int t) { return static_cast<double>(load_pair<ResidualPartial>(partials + t).residual); },
          [&](const PairTile& both, int k) { return residual_of<false>(a, both, k).residual; });
    }
    if (out.drawn < 0) out.drawn = draw_target(a, s, d.stop, u, buffers.target);
  }
  write_outputs<false>(a, s, out, [&](int i) { return needs_residual<false>(a, s, d, i); });
}

}  // namespace

/* Any grid of whole warps, kMostWarps at most to a block; cooperative unless draft_length is 0. */
__global__ void __launch_bounds__(32 * kMostWarps, 3) verify(const __grid_constant__ VerifyParameters a) {
  float* shared = dynamic_shared<float>() + threadIdx.x / 32 * 2 * kTileBuffer;
  const Buffers buffers = {shared, shared + kTileBuffer};
  const int64_t warp = static_cast<int64_t>(threadIdx.x / 32) * gridDim.x + blockIdx.x;
  const int64_t warps = static_cast<int64_t>(blockDim.x / 32) * gridDim.x;
  for (int64_t item = warp; item < row_tiles(a); item += warps) {
    Sequence s;
    if (!reduce<false>(a, item, buffers.target, &s)) continue;
    Decision d = {0, input_status(a, s), 0, 0};
    if (d.status == COOLSD_ROW_OK) d = decide<false>(a, s, s.length, COOLSD_ROW_OK);
    if (lane_id() == 0 && a.draft_length > 0) store_decision(a.workspace.decisions + s.b, d);
    if (d.needed == 0) finish(a, s, d, buffers);
  }
  if (a.draft_length == 0) return;

  cooperative_groups::this_grid().sync();

  const int positions = certifies(a) ? a.draft_length : 1;
  for (int64_t item = warp; item < static_cast<int64_t>(a.batch) * positions * a.tiles; item += warps) {
    const int tile = static_cast<int>(item % a.tiles);
    const int place = static_cast<int>(item / a.tiles);
    const int b = place / positions;
    const Decision d = load_decision(a.workspace.decisions + b);
    if (d.needed == 0) continue;
    const Sequence s = sequence(a, b);
    const int i = certifies(a) ? place % positions : d.stop;
    const int tiles = residual_tiles(a, s);
    if (tile >= tiles || !needs_residual<false>(a, s, d, i)) continue;
    const Position at = position<false>(a, s, i);
    const PairTile both(a, s, at, tile, buffers);
    const int status = both.status();
    clear_pooled(a, both);
    const ResidualPartial sum = sum_residuals<false>(a, both, status);
    if (lane_id() == 0) store_pair(residual_partials<false>(a, s, i) + tile, sum);
    if (arrive(a.workspace.residual_arrivals + b, static_cast<unsigned>(d.needed * tiles))) {
      finish(a, s, d, buffers);
    }
  }
}

}  // namespace coolsd
