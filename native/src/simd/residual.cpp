/* The residual and the drift of two rows: both exponentials and the rule in one pass. */
#include <limits>

#include "simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/residual.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "common/budget.h"
#include "simd/kept-inl.h"
#include "simd/row-inl.h"

HWY_BEFORE_NAMESPACE();
#include "common/rule.h"
namespace coolsd::simd::HWY_NAMESPACE {

/* NaN in the first operand of the rule's comparisons, P - Q, comes through. */
struct VectorOps {
  static HWY_INLINE V larger(V a, V b) { return larger_or_second(b, a); }
  static HWY_INLINE V smaller(V a, V b) { return smaller_or_second(b, a); }
};

/* What finite_exp2() multiplies the two exponentials by when they are taken without their references. */
struct Factors {
  double target, draft;
};

Factors shifted(const ResidualTerms& terms) {
  return {shift(terms.target.reference, terms.target.scale),
          shift(terms.draft.reference, terms.draft.scale) * static_cast<double>(terms.ratio)};
}

/* In place, in any order that both rows share unless a cut-off counts tokens. */
template <bool kCut, bool kDrift, bool kShifted, class Source>
int32_t Pass(const Source p, const Source q, const ResidualTerms& terms, int32_t n, double* sums,
             ResidualReport* report) {
  const D d;
  const V zero = hn::Zero(d), kept = hn::Set(d, terms.kept), bound = hn::Set(d, terms.draft_largest);
  const Factors factors = kShifted ? shifted(terms) : Factors{1, static_cast<double>(terms.ratio)};
  const V target_factor = hn::Set(d, static_cast<float>(factors.target));
  const V draft_factor = hn::Set(d, static_cast<float>(factors.draft));
  const auto target_power = [&](V x, V scale) HWY_ATTR {
    if constexpr (kShifted) return finite_exp2(D(), x, scale, target_factor);
    return finite_exp2(D(), x, scale);
  };
  const auto draft_power = [&](V x, V scale) HWY_ATTR { return finite_exp2(D(), x, scale, draft_factor); };
  const Bounds target_bounds(terms.target), draft_bounds(terms.draft);
  const int32_t step = lanes();
  int32_t done = 0;
  for (int32_t i = 0; i < n; ++done) {
    V r0 = zero, r1 = zero, d0 = zero, d1 = zero, drafted = zero;
    V most = hn::Neg(hn::Inf(d));
    M fits = zero == zero;
    const auto add = [&](V x, V y, int32_t at, V& sum, V& drift_sum, auto counted) HWY_ATTR {
      /* A cut-off hides NaN from the sums, and the larger of two may be the one that is not NaN. */
      if constexpr (kCut) {
        fits = hn::And(fits, y <= bound);
      } else {
        most = hn::Max(most, y);
      }
      const V a = exponential<kCut, kShifted>(x, terms.target, target_bounds, at, target_power);
      const V b = exponential<kCut, kShifted>(y, terms.draft, draft_bounds, at, draft_power);
      drafted = drafted + counted(b); /* shows what the comparisons would not: NaN, or an infinite b */
      sum = sum + counted(residual<VectorOps>(a, b, kept, zero));
      if constexpr (kDrift) drift_sum = drift_sum + counted(drift<VectorOps>(a, b, kept, zero));
    };
    const auto all = [](V v) HWY_ATTR { return v; };
    const int32_t end = HWY_MIN(n, i + kBlock);
    for (; i + 2 * step <= end; i += 2 * step) {
      V x0, x1, y0, y1;
      if constexpr (kCut) {
        x0 = p.whole(i), x1 = p.whole(i + step);
        y0 = q.whole(i), y1 = q.whole(i + step);
      } else {
        p.two(i, x0, x1);
        q.two(i, y0, y1);
      }
      add(x0, y0, i, r0, d0, all);
      add(x1, y1, i + step, r1, d1, all);
    }
    for (; i + step <= end; i += step) add(p.whole(i), q.whole(i), i, r0, d0, all);
    if (i < end) {
      const M left = hn::FirstN(d, static_cast<size_t>(end - i));
      const auto first = [&](V v) HWY_ATTR { return hn::IfThenElseZero(left, v); };
      add(p.rest(i, end), q.rest(i, end), i, r1, d1, first);
      i = end;
    }
    const float sum = hn::GetLane(hn::SumOfLanes(d, r0 + r1));
    const float drafts = hn::GetLane(hn::SumOfLanes(d, drafted));
    constexpr float kInf = std::numeric_limits<float>::infinity();
    if (!(sum < kInf && drafts < kInf)) break;
    sums[done] = static_cast<double>(sum);
    if constexpr (kDrift) report->drift += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, d0 + d1)));
    const bool fit = kCut ? hn::AllTrue(d, fits) : hn::GetLane(hn::MaxOfLanes(d, most)) <= terms.draft_largest;
    report->draft_fits = report->draft_fits && fit;
  }
  return done;
}

/* Where P > 0: what is kept, but for powers that even a double is too small for. */
template <bool kCut>
HWY_INLINE M possible(V x, const Exponential& e, const Bounds& bounds, int32_t i) {
  const D d;
  const M enough = (x - hn::Set(d, e.reference)) * hn::Set(d, e.scale) > hn::Set(d, -1022.0f);
  if constexpr (!kCut) return enough;
  return hn::And(enough, kept_of(x, bounds, i));
}

template <bool kCut, bool kDrift, bool kAffine>
double Block(const float* x, const float* y, const ResidualTerms& terms, int32_t n, float* out,
             ResidualReport* report) {
  const D d;
  const V zero = hn::Zero(d), kept = hn::Set(d, terms.kept), ratio = hn::Set(d, terms.ratio);
  const V bound = hn::Set(d, terms.draft_largest), affine = hn::Set(d, terms.affine);
  const Elements<COOLSD_F32, false> p{reinterpret_cast<const char*>(x), nullptr, 0};
  const Elements<COOLSD_F32, false> q{reinterpret_cast<const char*>(y), nullptr, 0};
  const auto power = [](V t, V scale) HWY_ATTR { return exp2(D(), t * scale); };
  const Bounds target_bounds(terms.target), draft_bounds(terms.draft);
  V r0 = zero, r1 = zero, d0 = zero, d1 = zero;
  M fits = zero == zero;
  const int32_t step = lanes();
  const auto add = [&](int32_t i, V& sum, V& drift_sum) HWY_ATTR {
    const bool whole = i + step <= n;
    const V target = whole ? p.whole(i) : p.rest(i, n), draft = whole ? q.whole(i) : q.rest(i, n);
    fits = hn::And(fits, draft <= bound);
    const V a = exponential<kCut>(target, terms.target, target_bounds, i, power);
    const V b = exponential<kCut>(draft, terms.draft, draft_bounds, i, power) * ratio;
    V r;
    if constexpr (kAffine) {
      r = residual<VectorOps>(a, b, kept, affine, zero);
    } else {
      r = residual<VectorOps>(a, b, kept, zero);
    }
    sum = sum + r;
    if constexpr (kDrift && kAffine) {
      const M can = possible<kCut>(target, terms.target, target_bounds, i);
      drift_sum = drift_sum + hn::IfThenElseZero(can, drift<VectorOps>(a, b, kept, affine, zero));
    } else if constexpr (kDrift) {
      drift_sum = drift_sum + drift<VectorOps>(a, b, kept, zero);
    }
    if (whole) {
      hn::StoreU(r, d, out + i);
    } else {
      hn::BlendedStore(r, hn::FirstN(d, static_cast<size_t>(n - i)), d, out + i);
    }
  };
  for (int32_t i = 0; i < n; i += 2 * step) {
    add(i, r0, d0);
    if (i + step < n) add(i + step, r1, d1);
  }
  if constexpr (kDrift) report->drift += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, d0 + d1)));
  report->draft_fits = report->draft_fits && hn::AllTrue(d, fits);
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, r0 + r1)));
}

/* What the tokens i, i + 1, ... with the probabilities p and q add to which bin, of Q > P > 0. */
HWY_INLINE void store_excess(V p, V q, int32_t i, const BudgetTokens& out) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const auto bin = hn::ShiftRight<19>(hn::BitCast(du, q / p)) - hn::Set(du, 127u << 4); /* budget_bin(): Q/P > 1 */
  hn::StoreU(hn::Min(bin, hn::Set(du, kBudgetBins - 1)), du, reinterpret_cast<uint32_t*>(out.bins) + i);
  hn::StoreInterleaved2(q - p, p, d, out.sums + 2 * i);
}

template <bool kCut>
int32_t ExcessesAs(const float* x, const float* y, const ResidualTerms& terms, int32_t n, const BudgetTokens& out,
                   ResidualReport* report) {
  const D d;
  const V zero = hn::Zero(d), ratio = hn::Set(d, terms.ratio), bound = hn::Set(d, terms.draft_largest);
  const Elements<COOLSD_F32, false> p{reinterpret_cast<const char*>(x), nullptr, 0};
  const Elements<COOLSD_F32, false> q{reinterpret_cast<const char*>(y), nullptr, 0};
  const auto power = [](V t, V scale) HWY_ATTR { return exp2(D(), t * scale); };
  const Bounds target_bounds(terms.target), draft_bounds(terms.draft);
  M fits = zero == zero;
  int32_t count = 0;
  const int32_t step = lanes();
  for (int32_t i = 0; i < n; i += step) {
    const bool whole = i + step <= n;
    const V target = whole ? p.whole(i) : p.rest(i, n), draft = whole ? q.whole(i) : q.rest(i, n);
    fits = hn::And(fits, draft <= bound);
    const V a = exponential<kCut>(target, terms.target, target_bounds, i, power);
    const V b = exponential<kCut>(draft, terms.draft, draft_bounds, i, power) * ratio;
    const M which = hn::And(a > zero, b > a);
    append(a, which, out.p + count);
    count += append(b, which, out.q + count);
  }
  report->draft_fits = report->draft_fits && hn::AllTrue(d, fits);
  for (int32_t i = 0; i < count; i += step) store_excess(hn::LoadU(d, out.p + i), hn::LoadU(d, out.q + i), i, out);
  return count;
}

bool Cut(const ResidualTerms& terms) { return terms.target.cut || terms.draft.cut; }

template <bool kShifted, class Source>
int32_t PassOver(const Source p, const Source q, const ResidualTerms& terms, int32_t n, double* sums,
                 ResidualReport* report) {
  if (terms.drift) {
    return Cut(terms) ? Pass<true, true, kShifted>(p, q, terms, n, sums, report)
                      : Pass<false, true, kShifted>(p, q, terms, n, sums, report);
  }
  return Cut(terms) ? Pass<true, false, kShifted>(p, q, terms, n, sums, report)
                    : Pass<false, false, kShifted>(p, q, terms, n, sums, report);
}

template <int kDtype>
int32_t PassAs(const Row& p, const Row& q, const ResidualTerms& terms, int32_t n, double* sums,
               ResidualReport* report) {
  const Elements<kDtype, false> x{p.data, nullptr, 0}, y{q.data, nullptr, 0};
  const Factors factors = shifted(terms);
  if (kFactorShifts && in_reach(factors.target) && in_reach(factors.draft)) {
    return PassOver<kFactorShifts>(x, y, terms, n, sums, report);
  }
  return PassOver<false>(x, y, terms, n, sums, report);
}

int32_t SumsOf(const Row& p, const Row& q, const ResidualTerms& terms, int32_t n, double* sums,
               ResidualReport* report) {
  switch (p.dtype) {
    case COOLSD_F32:
      return PassAs<COOLSD_F32>(p, q, terms, n, sums, report);
    case COOLSD_F16:
      return PassAs<COOLSD_F16>(p, q, terms, n, sums, report);
    default:
      return PassAs<COOLSD_BF16>(p, q, terms, n, sums, report);
  }
}

template <bool kCut>
double BlockAs(const float* x, const float* y, const ResidualTerms& terms, int32_t n, float* out,
               ResidualReport* report) {
  if (terms.affine > 0) {
    return terms.drift ? Block<kCut, true, true>(x, y, terms, n, out, report)
                       : Block<kCut, false, true>(x, y, terms, n, out, report);
  }
  return terms.drift ? Block<kCut, true, false>(x, y, terms, n, out, report)
                     : Block<kCut, false, false>(x, y, terms, n, out, report);
}

double BlockOf(const float* x, const float* y, const ResidualTerms& terms, int32_t n, float* out,
               ResidualReport* report) {
  return Cut(terms) ? BlockAs<true>(x, y, terms, n, out, report) : BlockAs<false>(x, y, terms, n, out, report);
}

int32_t Excesses(const float* x, const float* y, const ResidualTerms& terms, int32_t n, const BudgetTokens& out,
                 ResidualReport* report) {
  return Cut(terms) ? ExcessesAs<true>(x, y, terms, n, out, report) : ExcessesAs<false>(x, y, terms, n, out, report);
}

}  // namespace coolsd::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coolsd::simd {

HWY_EXPORT(SumsOf);
HWY_EXPORT(BlockOf);
HWY_EXPORT(Excesses);

bool readable_together(const Row& target, const Row& draft) {
  return target.uncond == nullptr && draft.uncond == nullptr && target.dtype == draft.dtype;
}

int32_t residual_sums(const Row& target, const Row& draft, const ResidualTerms& terms, int32_t n, double* sums,
                      ResidualReport* report) {
  return HWY_DYNAMIC_DISPATCH(SumsOf)(target, draft, terms, n, sums, report);
}

double residuals(const float* target, const float* draft, const ResidualTerms& terms, int32_t n, float* out,
                 ResidualReport* report) {
  return HWY_DYNAMIC_DISPATCH(BlockOf)(target, draft, terms, n, out, report);
}

int32_t excesses(const float* target, const float* draft, const ResidualTerms& terms, int32_t n,
                 const BudgetTokens& out, ResidualReport* report) {
  return HWY_DYNAMIC_DISPATCH(Excesses)(target, draft, terms, n, out, report);
}

}  // namespace coolsd::simd
#endif
