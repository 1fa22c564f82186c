#include "lantern.h"

#include <algorithm>

namespace coolsd {

double Lantern::pooled(const Law& p, int32_t token, int32_t* pooled) const {
  const double own = p[token];
  const double bound = static_cast<double>(spec_.bound);
  const double limit = spec_.rule == COOLSD_LANTERN ? bound : (bound - 1) * own;
  const int32_t* neighbours = spec_.neighbours + int64_t{token} * spec_.k;
  double sum = 0;
  int32_t m = 0;
  for (; m < spec_.k; ++m) {
    const double next = sum + p[neighbours[m]];
    if (next > limit) break;
    sum = next;
  }
  *pooled = m;
  return own + sum;
}

double Lantern::acceptance(const Law& p, const Law& q, int32_t token) const {
  int32_t m;
  const double all = pooled(p, token, &m);
  const double draft = q[token];
  if (all <= 0) return 0;
  return draft <= 0 ? 1 : std::min(1.0, all / draft);
}

Moments Lantern::moments(const Law& p, const Law& q) {
  Moments sums{0, 0};
  for (int32_t v = 0; v < vocab_; ++v) {
    const double law = p[v], taken = q[v] * acceptance(p, q, v);
    weights_[static_cast<size_t>(v)] = std::max(law - taken, 0.0);
    sums.residual += weights_[static_cast<size_t>(v)];
    sums.drift += std::max(taken - law, 0.0);
  }
  return sums;
}

int32_t Lantern::draw(const Law& p, const Law& q, int32_t token, double u, Scratch& scratch) {
  double mass = 0;
  if (optimal()) {
    mass = moments(p, q).residual;
  } else {
    for (int32_t v = 0; v < vocab_; ++v) weights_[static_cast<size_t>(v)] = std::max(p[v] - q[v], 0.0);
    int32_t m;
    pooled(p, token, &m);
    const int32_t* neighbours = spec_.neighbours + int64_t{token} * spec_.k;
    for (int32_t i = 0; i < m; ++i) weights_[static_cast<size_t>(neighbours[i])] = p[neighbours[i]];
    for (double w : weights_) mass += w;
  }
  if (!(mass > 0)) return p.draw(u, scratch);
  const double wanted = u * mass;
  double reached = 0;
  int32_t last = -1;
  for (int32_t v = 0; v < vocab_; ++v) {
    const double w = weights_[static_cast<size_t>(v)];
    if (w > 0) {
      reached += w;
      last = v;
      if (reached > wanted) break;
    }
  }
  return last;
}

}  // namespace coolsd
