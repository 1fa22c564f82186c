#include "lantern.h"

#include <algorithm>

namespace coolsd {

Pooled Lantern::pooled(const Law& p, int32_t token) const {
  return pool(p[token], spec_.k, spec_.rule == COOLSD_LANTERN_PLUS_PLUS, static_cast<double>(spec_.bound),
              [&](int32_t m) { return p[neighbours(token)[m]]; });
}

double Lantern::taken(const Law& p, const Law& q, int32_t token) const {
  return lantern_taken(pooled(p, token).probability, q[token]);
}

Moments Lantern::moments(const Law& p, const Law& q) {
  Moments sums{0, 0};
  for (int32_t v = 0; v < vocab_; ++v) {
    const double law = p[v], accepted = taken(p, q, v);
    weights_[static_cast<size_t>(v)] = std::max(law - accepted, 0.0);
    sums.residual += weights_[static_cast<size_t>(v)];
    sums.drift += std::max(accepted - law, 0.0);
  }
  return sums;
}

int32_t Lantern::draw(const Law& p, const Law& q, int32_t token, double u, Scratch& scratch) {
  double mass = 0;
  if (optimal()) {
    mass = moments(p, q).residual;
  } else {
    for (int32_t v = 0; v < vocab_; ++v) weights_[static_cast<size_t>(v)] = std::max(p[v] - q[v], 0.0);
    const int32_t m = pooled(p, token).neighbours;
    for (int32_t i = 0; i < m; ++i) {
      const int32_t neighbour = neighbours(token)[i];
      weights_[static_cast<size_t>(neighbour)] = p[neighbour];
    }
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
