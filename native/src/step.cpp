#include "step.h"

#include <algorithm>
#include <cmath>

#include "common/philox.h"
#include "common/rule.h"
#include "residual.h"

namespace coolsd {

namespace {

double uniform(uint64_t seed, uint64_t position, coolsd_purpose purpose) {
  return static_cast<double>(uniform_bits(seed, position, static_cast<uint32_t>(purpose))) * 0x1p-32;
}

/* Phat of a token at a position with these moments: Q f + (1 - sum Q f) Norm(residual), sum Q f = 1 - residual + drift.
 */
double law_of_position(double p, double taken, const Moments& m) {
  const double rejected = std::max(m.residual - m.drift, 0.0);
  return m.residual > 0 ? taken + rejected * std::max(p - taken, 0.0) / m.residual : taken + rejected * p;
}

}  // namespace

CpuVerifier::CpuVerifier(const coolsd_verifier_spec& spec)
    : spec_(spec),
      omega_(spec.omega, spec.omega + spec.draft_length),
      lantern_(spec.lantern == nullptr ? nullptr : std::make_unique<Lantern>(*spec.lantern, spec.vocab)),
      scratch_(spec.vocab),
      p_(spec.vocab),
      q_(spec.vocab) {
  spec_.omega = omega_.data();
}

coolsd_row_status CpuVerifier::step(const coolsd_verify_args& a, int32_t b, int32_t length, int32_t* tokens) {
  const int64_t stride = spec_.draft_length;
  const int32_t* draft_tokens = a.draft_tokens + b * stride;
  const uint64_t seed = a.seeds[b], position = a.positions[b];
  for (int32_t i = 0; i < length; ++i) {
    if (draft_tokens[i] < 0 || draft_tokens[i] >= spec_.vocab) return COOLSD_ROW_TOKEN_OUT_OF_RANGE;
  }
  const auto emit = [&](int32_t i, int32_t token, double ratio) {
    tokens[i] = token;
    if (a.ratio != nullptr) a.ratio[b * (stride + 1) + i] = ratio;
    if (a.log_prob != nullptr) a.log_prob[b * (stride + 1) + i] = std::log(p_[token]);
  };
  for (int32_t n = 0; n < length; ++n) {
    const uint64_t at = position + static_cast<uint64_t>(n);
    const int32_t token = draft_tokens[n];
    const Row p_row(a.target, a.target_uncond, spec_.target.guidance, b, n);
    coolsd_row_status status = p_.assign(p_row, spec_.target, spec_.vocab, scratch_);
    if (status != COOLSD_ROW_OK) return status;
    const Row q_row(a.draft, a.draft_uncond, spec_.draft.guidance, b, n);
    if (a.draft_normalisers == nullptr) {
      status = q_.assign(q_row, spec_.draft, spec_.vocab, scratch_);
    } else {
      status = q_.adopt(q_row, spec_.draft, spec_.vocab, a.draft_normalisers[b * stride + n]);
      if (status == COOLSD_ROW_OK && token >= q_.lo() && token < q_.hi()) {
        status = q_row.status(token);
        if (status == COOLSD_ROW_OK && q_row[token] > q_.largest()) status = COOLSD_ROW_NORMALISER;
      }
    }
    if (status != COOLSD_ROW_OK) return status;

    const double omega = static_cast<double>(omega_[static_cast<size_t>(n)]);
    const double p = p_[token], q = q_[token];
    const double u = uniform(seed, at, COOLSD_ACCEPT);
    int32_t pooled = 0;
    const bool accepted =
        lantern_ == nullptr ? accept(p, q, omega, u) : accept(lantern_->pooled(p_, token, &pooled), q, 1.0, u);
    Residual residual(p_, q_, omega);
    Moments moments{0, 0};
    const bool certify = a.drift != nullptr || a.ratio != nullptr;
    if (lantern_ != nullptr) {
      if (certify) moments = lantern_->moments(p_, q_);
    } else if (!accepted || certify) {
      if (certify && accepted && a.ratio == nullptr && omega <= 1) {
        moments.drift = 0; /* Q f <= P: nothing to sum */
      } else {
        status = residual.sum(certify, scratch_, moments);
        if (status != COOLSD_ROW_OK) return status;
      }
    }
    if (a.drift != nullptr) a.drift[b * stride + n] = moments.drift;
    const auto ratio = [&](int32_t t) {
      if (a.ratio == nullptr) return 1.0;
      const double taken =
          lantern_ == nullptr ? std::min(q_[t], omega * p_[t]) : q_[t] * lantern_->acceptance(p_, q_, t);
      return p_[t] / law_of_position(p_[t], taken, moments);
    };
    if (!accepted) {
      const double r = uniform(seed, at, COOLSD_RESAMPLE);
      const int32_t drawn =
          lantern_ == nullptr ? residual.draw(r, scratch_) : lantern_->draw(p_, q_, token, r, scratch_);
      emit(n, drawn, ratio(drawn));
      a.accepted[b] = n;
      return COOLSD_ROW_OK;
    }
    emit(n, token, ratio(token));
  }
  const Row row(a.target, a.target_uncond, spec_.target.guidance, b, length);
  const coolsd_row_status status = p_.assign(row, spec_.target, spec_.vocab, scratch_);
  if (status != COOLSD_ROW_OK) return status;
  const double u = uniform(seed, position + static_cast<uint64_t>(length), COOLSD_BONUS);
  emit(length, p_.draw(u, scratch_), 1);
  a.accepted[b] = length;
  return COOLSD_ROW_OK;
}

void CpuVerifier::verify(const coolsd_verify_args& a, int32_t b) {
  const int64_t stride = spec_.draft_length;
  int32_t* tokens = a.tokens + b * (stride + 1);
  const auto clear = [&] {
    std::fill_n(tokens, stride + 1, -1);
    if (a.drift != nullptr) std::fill_n(a.drift + b * stride, stride, 0.0);
    if (a.ratio != nullptr) std::fill_n(a.ratio + b * (stride + 1), stride + 1, 1.0);
    if (a.log_prob != nullptr) std::fill_n(a.log_prob + b * (stride + 1), stride + 1, 0.0);
    a.accepted[b] = 0;
  };
  clear();
  const int32_t length = a.draft_lengths == nullptr ? spec_.draft_length : a.draft_lengths[b];
  a.status[b] = step(a, b, length, tokens);
  if (a.status[b] != COOLSD_ROW_OK) clear();
}

void CpuVerifier::sample(const coolsd_sample_args& a, int32_t b) {
  const coolsd_sampling& sampling = a.purpose == COOLSD_DRAFT ? spec_.draft : spec_.target;
  const Row row(a.logits, a.logits_uncond, sampling.guidance, b, 0);
  a.tokens[b] = -1;
  a.status[b] = p_.assign(row, sampling, spec_.vocab, scratch_);
  if (a.normalisers != nullptr) a.normalisers[b] = {0, 0, 0, 0, 0};
  if (a.status[b] != COOLSD_ROW_OK) return;
  a.tokens[b] = p_.draw(uniform(a.seeds[b], a.positions[b], static_cast<coolsd_purpose>(a.purpose)), scratch_);
  if (a.normalisers != nullptr) a.normalisers[b] = p_.normaliser();
}

}  // namespace coolsd
