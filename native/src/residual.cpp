#include "residual.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "common/budget.h"

namespace coolsd {

namespace {

/* Beyond this a draft token counts as infinitely likely; f32 must still hold its exponential. */
constexpr double kMostRatio = 1e37;

simd::ResidualTerms terms(const Law& p, const Law& q, const ResidualRule& rule, int32_t from, bool drift) {
  const double ratio = std::min(p.mass() / q.mass() * rule.draft, kMostRatio);
  return {p.exponential(from),
          q.exponential(from),
          static_cast<float>(ratio),
          static_cast<float>(1 - rule.omega),
          q.largest(),
          drift,
          static_cast<float>(rule.affine)};
}

/* The part of a block of P's window that Q's window has too, relative to from. */
struct Shared {
  int32_t n, lo, hi;
};
Shared shared(const Law& p, const Law& q, int32_t from) {
  const int32_t n = std::min(simd::kBlock, p.hi() - from);
  const int32_t lo = std::clamp(q.lo() - from, 0, n);
  return {n, lo, std::clamp(q.hi() - from, lo, n)};
}

}  // namespace

struct Residual::Pass {
  const Law& p;
  const Law& q;
  const ResidualRule& rule;
  bool drift;
  Scratch& scratch;

  /* One block's residuals, into the scratch's weights, and their sum. */
  double block(int32_t from, simd::ResidualReport* report) const {
    const Shared s = shared(p, q, from);
    const float* x = p.values(from, s.n, scratch.target_block.data());
    float* weights = scratch.weights.data();
    double sum = 0;
    /* Tokens outside Q's window: their residual is P itself. */
    if (s.lo > 0) sum += simd::exponentials(x, s.lo, p.exponential(from), weights);
    if (s.lo < s.hi) {
      const float* y = q.values(from + s.lo, s.hi - s.lo, scratch.draft_block.data());
      sum += simd::residuals(x + s.lo, y, terms(p, q, rule, from + s.lo, drift), s.hi - s.lo, weights + s.lo, report);
    }
    if (s.hi < s.n) sum += simd::exponentials(x + s.hi, s.n - s.hi, p.exponential(from + s.hi), weights + s.hi);
    return sum;
  }
};

coolsd_row_status Residual::sum(const Law& p, const Law& q, const ResidualRule& rule, bool with_drift, Scratch& scratch,
                                Moments& out) {
  rule_ = rule;
  const bool drift = with_drift && (rule.omega > 1 || rule.affine > 0);
  const Pass pass{p, q, rule, drift, scratch};
  /* In place where both rows are what the fast loop reads, until something stops it. */
  bool fast = simd::readable_together(p.row(), q.row()) && q.lo() <= p.lo() && p.hi() <= q.hi() && rule.affine == 0;
  simd::ResidualReport report;
  size_t blocks = 0;
  for (int32_t from = p.lo(); from < p.hi();) {
    int32_t done = 1;
    if (fast) {
      fast = false;
      done = simd::residual_sums(p.row().from(from), q.row().from(from), terms(p, q, rule, from, drift), p.hi() - from,
                                 &sums_[blocks], &report);
    } else {
      sums_[blocks] = pass.block(from, &report);
    }
    blocks += static_cast<size_t>(done);
    from += done * simd::kBlock;
  }
  total_ = std::accumulate(sums_.begin(), sums_.begin() + static_cast<std::ptrdiff_t>(blocks), 0.0);
  if (!report.draft_fits) return q.judge(p.lo(), p.hi());
  out = {total_ / p.mass(), report.drift / p.mass()};
  return COOLSD_ROW_OK;
}

int32_t Residual::draw(const Law& p, const Law& q, double u, Scratch& scratch) const {
  const Pass pass{p, q, rule_, false, scratch};
  const double wanted = u * total_;
  double before = 0;
  size_t i = 0;
  for (int32_t from = p.lo(); total_ > 0 && from < p.hi(); from += simd::kBlock, ++i) {
    if (before + sums_[i] > wanted) {
      simd::ResidualReport ignored;
      pass.block(from, &ignored);
      /* The block's sum may have been rounding only, and so not be there again. */
      const int32_t found = simd::search(scratch.weights.data(), std::min(simd::kBlock, p.hi() - from), before, wanted);
      if (found >= 0) return from + found;
    }
    before += sums_[i];
  }
  return -1;
}

coolsd_row_status factor_of_budget(const Law& p, const Law& q, double cap, double budget, Scratch& scratch,
                                   float* factor) {
  *factor = 1;
  if (!(cap > 1)) return COOLSD_ROW_OK;
  std::array<BudgetBin, kBudgetBins> bins{};
  const simd::BudgetTokens tokens = {scratch.bins.data(), scratch.sums_of_bins.data(), scratch.weights.data(),
                                     scratch.masses.data()};
  simd::ResidualReport report;
  for (int32_t from = p.lo(); from < p.hi(); from += simd::kBlock) {
    const Shared s = shared(p, q, from);
    const int32_t n = s.hi - s.lo;
    if (n == 0) continue;
    const float* x = p.values(from + s.lo, n, scratch.target_block.data());
    const float* y = q.values(from + s.lo, n, scratch.draft_block.data());
    const int32_t count = simd::excesses(x, y, terms(p, q, {1}, from + s.lo, false), n, tokens, &report);
    for (int32_t i = 0; i < count; ++i) {
      BudgetBin& bin = bins[static_cast<size_t>(tokens.bins[i])];
      bin.excess += static_cast<double>(tokens.sums[2 * i]);
      bin.mass += static_cast<double>(tokens.sums[2 * i + 1]);
    }
  }
  if (!report.draft_fits) return q.judge(p.lo(), p.hi());
  const auto bin = [&](int k) -> BudgetBin {
    const BudgetBin& sum = bins[static_cast<size_t>(k)];
    return {sum.excess / p.mass(), sum.mass / p.mass()};
  };
  *factor = budget_factor(cap, budget, bin);
  return COOLSD_ROW_OK;
}

}  // namespace coolsd
