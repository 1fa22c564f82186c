#include "definition.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/philox.h"

namespace coolsd::test {

Distribution distribution(const float* logits, int32_t vocab, const coolsd_sampling& s) {
  const int32_t lo = s.window_lo, hi = s.window_hi == 0 ? vocab : s.window_hi;
  std::vector<int32_t> order;
  for (int32_t t = lo; t < hi; ++t) order.push_back(t);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
  Distribution law(size(vocab));
  if (s.temperature == 0) {
    law[size(order.front())] = 1;
    return law;
  }
  if (s.top_k > 0 && size(s.top_k) < order.size()) order.resize(size(s.top_k));
  const double largest = static_cast<double>(logits[order.front()]);
  double mass = 0;
  for (int32_t t : order) {
    law[size(t)] = std::exp((static_cast<double>(logits[t]) - largest) / static_cast<double>(s.temperature));
    mass += law[size(t)];
  }
  double reached = 0, left = 0;
  for (int32_t t : order) {
    if (reached >= static_cast<double>(s.top_p) * mass) {
      law[size(t)] = 0;
      continue;
    }
    reached += law[size(t)];
    left += law[size(t)];
  }
  for (double& one : law) one /= left;
  return law;
}

namespace {

double factor(double p, double q, double omega, double affine) {
  if (!(p > 0)) return 0;
  const double relative = omega > 0 && q > 0 ? omega * p / q : omega > 0 ? INFINITY : 0;
  return std::min(1.0, affine + relative);
}

/* Phat of the relaxed rule. */
Distribution relaxed(const Distribution& p, const Distribution& q, double omega, double affine,
                     Distribution* residual) {
  double taken = 0, rest = 0;
  residual->assign(p.size(), 0);
  for (size_t t = 0; t < p.size(); ++t) {
    const double one = q[t] * factor(p[t], q[t], omega, affine);
    taken += one;
    (*residual)[t] = std::max(p[t] - one, 0.0);
    rest += (*residual)[t];
  }
  Distribution law(p.size());
  for (size_t t = 0; t < p.size(); ++t) {
    law[t] = q[t] * factor(p[t], q[t], omega, affine) + (rest > 0 ? (1 - taken) * (*residual)[t] / rest : 0);
  }
  return law;
}

double sum(const Distribution& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

/* Inverse CDF; how near u is to an edge goes into *closest. */
int32_t draw(const Distribution& weights, double u, double* closest) {
  const double total = sum(weights);
  double reached = 0;
  int32_t last = -1;
  for (size_t t = 0; t < weights.size(); ++t) {
    if (!(weights[t] > 0)) continue;
    *closest = std::min(*closest, std::fabs(u * total - reached));
    last = static_cast<int32_t>(t);
    reached += weights[t];
    if (reached > u * total) break;
  }
  *closest = std::min(*closest, std::fabs(u * total - reached));
  return last;
}

/* Everything about one sequence. */
struct Verification {
  StepCase& c;
  int32_t b;
  std::vector<double> omega;
  int32_t n;
  std::vector<Distribution> p, q, phat, residual;
  Outcome out;

  Verification(StepCase& made, int32_t sequence, bool block, const std::vector<double>& factors)
      : c(made), b(sequence), omega(factors), n(c.lengths.empty() ? c.l : c.lengths[size(b)]) {
    const coolsd_sampling target = c.target_samplings.empty() ? c.spec.target : c.target_samplings[size(b)];
    const coolsd_sampling draft = c.draft_samplings.empty() ? c.spec.draft : c.draft_samplings[size(b)];
    for (int32_t i = 0; i <= n; ++i) p.push_back(distribution(c.target_row(b, i), c.v, target));
    residual.resize(size(n));
    for (int32_t i = 0; i < n; ++i) {
      q.push_back(distribution(c.draft_row(b, i), c.v, draft));
      /* A block gives no acceptance away where omega is below 1. */
      const bool lossless = block && omega[size(i)] <= 1;
      phat.push_back(lossless ? p[size(i)]
                              : relaxed(p[size(i)], q[size(i)], omega[size(i)],
                                        block ? 0 : static_cast<double>(c.spec.affine), &residual[size(i)]));
    }
  }

  int32_t token(int32_t i) const { return c.draft_tokens[size(b * c.l + i)]; }
  double u(int32_t i, coolsd_purpose purpose) const {
    return uniform(c.seeds[size(b)], c.positions[size(b)] + static_cast<uint64_t>(i), static_cast<uint32_t>(purpose));
  }
  bool below(double value, double bound, double scale) {
    out.closest = std::min(out.closest, std::fabs(value - bound) * scale);
    return value < bound;
  }
  void emit(int32_t i, int32_t t) {
    out.tokens.push_back(t);
    out.log_prob.push_back(std::log(p[size(i)][size(t)]));
    out.ratio.push_back(i < n ? p[size(i)][size(t)] / phat[size(i)][size(t)] : 1);
    if (i == n) return;
    double distance = 0;
    for (size_t v = 0; v < p[size(i)].size(); ++v) distance += std::fabs(phat[size(i)][v] - p[size(i)][v]) / 2;
    out.drift.push_back(distance);
  }

  void tokens() {
    for (int32_t i = 0; i < n; ++i) {
      const double target = p[size(i)][size(token(i))], drafted = q[size(i)][size(token(i))];
      const double f = factor(target, drafted, omega[size(i)], static_cast<double>(c.spec.affine));
      if (!below(u(i, COOLSD_ACCEPT), f, std::max(drafted, 1e-3))) {
        const bool empty = !(sum(residual[size(i)]) > 0);
        emit(i, draw(empty ? p[size(i)] : residual[size(i)], u(i, COOLSD_RESAMPLE), &out.closest));
        return;
      }
      emit(i, token(i));
    }
    emit(n, draw(p[size(n)], u(n, COOLSD_BONUS), &out.closest));
  }

  /* [carried Phat - Q]+ behind i tokens. */
  Distribution left(int32_t i, double carried) const {
    Distribution rest(size(c.v));
    for (size_t v = 0; v < rest.size(); ++v) rest[v] = std::max(carried * phat[size(i)][v] - q[size(i)][v], 0.0);
    return rest;
  }

  void block() {
    std::vector<double> carried = {1};
    for (int32_t i = 0; i < n; ++i) {
      const double drafted = q[size(i)][size(token(i))], target = carried.back() * phat[size(i)][size(token(i))];
      /* Phat of a token that the drafter has not may be 0 but for rounding. */
      if (omega[size(i)] > 1 && drafted < 1e-5 && target < 1e-5) out.closest = 0;
      carried.push_back(drafted > 0 ? std::min(1.0, target / drafted) : target > 0 ? 1 : 0);
    }
    int32_t accepted = n;
    for (; accepted > 0; --accepted) {
      const double carries = carried[size(accepted)];
      double h = carries, scale = 1;
      if (accepted < n && carries < 1) {
        const double s = sum(left(accepted, carries));
        h = s > 0 ? s / (s + 1 - carries) : 0;
        scale = s + 1 - carries; /* what h takes from an error of s */
      }
      if (below(u(accepted - 1, COOLSD_ACCEPT), h, scale)) break;
    }
    for (int32_t i = 0; i < accepted; ++i) emit(i, token(i));
    if (accepted == n) {
      emit(n, draw(p[size(n)], u(n, COOLSD_BONUS), &out.closest));
      return;
    }
    const Distribution rest = left(accepted, carried[size(accepted)]);
    emit(accepted, draw(sum(rest) > 0 ? rest : phat[size(accepted)], u(accepted, COOLSD_RESAMPLE), &out.closest));
  }
};

}  // namespace

double drift_of(const Distribution& p, const Distribution& q, double omega, double affine) {
  double drift = 0;
  for (size_t t = 0; t < p.size(); ++t) drift += std::max(q[t] * factor(p[t], q[t], omega, affine) - p[t], 0.0);
  return drift;
}

double relative_entropy(const Distribution& p, int32_t tokens) {
  double entropy = 0;
  for (double one : p) entropy -= one > 0 ? one * std::log(one) : 0;
  return tokens == 1 ? 0 : entropy / std::log(static_cast<double>(tokens));
}

Outcome verify_by_definition(StepCase& c, int32_t b, bool block, const std::vector<double>& omega) {
  Verification verification(c, b, block, omega);
  block ? verification.block() : verification.tokens();
  return verification.out;
}

}  // namespace coolsd::test
