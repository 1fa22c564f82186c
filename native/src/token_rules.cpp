#include "token_rules.h"

namespace coolsd {

namespace {

/* The decision about one draft token. */
class Decision {
 public:
  Decision(const Sequence& s, Lantern* lantern, Position& at, int32_t i, Scratch& scratch)
      : s_(s), lantern_(lantern), at_(at), i_(i), scratch_(scratch), rule_{1} {}

  /* Reads what is needed of both rows and emits a token. */
  coolsd_row_status make(bool* accepted) {
    coolsd_row_status status = at_.read_target(s_, i_, scratch_);
    if (status == COOLSD_ROW_OK) status = at_.read_draft(s_, i_, scratch_);
    if (status == COOLSD_ROW_OK) status = at_.choose_factor(s_, i_, scratch_);
    if (status != COOLSD_ROW_OK) return status;
    rule_ = {static_cast<double>(at_.omega), static_cast<double>(s_.spec().affine)};
    *accepted = accepts();
    status = pass(*accepted);
    if (status != COOLSD_ROW_OK) return status;
    const int32_t token = *accepted ? s_.token(i_) : draw();
    s_.emit(i_, token, at_.log_prob(s_, token), ratio(token));
    s_.certify(i_, moments_.drift, at_.omega);
    return COOLSD_ROW_OK;
  }

 private:
  bool accepts() const {
    const int32_t token = s_.token(i_);
    const double u = s_.uniform_for(i_, COOLSD_ACCEPT);
    if (lantern_ != nullptr) return accept(lantern_->pooled(at_.p, token).probability, at_.q[token], 1.0, u);
    return accept(at_.p[token], at_.q[token], rule_.omega, rule_.affine, u);
  }

  /* Goes over both rows if the draw or a report needs it. */
  coolsd_row_status pass(bool accepted) {
    const bool certify = s_.wants_drift() || s_.wants_ratio();
    if (accepted && !certify) return COOLSD_ROW_OK;
    if (lantern_ != nullptr) {
      const coolsd_row_status status = lantern_->judge(at_.p, at_.q);
      if (status == COOLSD_ROW_OK && certify) moments_ = lantern_->moments(at_.p, at_.q);
      return status;
    }
    const bool drifts = rule_.omega > 1 || rule_.affine > 0; /* else Q f <= P */
    if (accepted && !drifts && !s_.wants_ratio()) return COOLSD_ROW_OK;
    return at_.residual.sum(at_.p, at_.q, rule_, certify, scratch_, moments_);
  }

  int32_t draw() {
    const double u = s_.uniform_for(i_, COOLSD_RESAMPLE);
    if (lantern_ != nullptr) return lantern_->draw(at_.p, at_.q, s_.token(i_), u, scratch_);
    const int32_t token = at_.residual.draw(at_.p, at_.q, u, scratch_);
    return token >= 0 ? token : at_.p.draw(u, scratch_);
  }

  double ratio(int32_t token) const {
    if (!s_.wants_ratio()) return 1;
    const double p = at_.p[token];
    const double accepted =
        lantern_ != nullptr ? lantern_->taken(at_.p, at_.q, token) : taken(p, at_.q[token], rule_.omega, rule_.affine);
    return p / law_of_position(p, accepted, moments_.residual, moments_.drift);
  }

  const Sequence& s_;
  Lantern* lantern_;
  Position& at_;
  int32_t i_;
  Scratch& scratch_;
  ResidualRule rule_;
  Moments moments_{0, 0};
};

}  // namespace

coolsd_row_status verify_tokens(const Sequence& s, Lantern* lantern, Position& at, Scratch& scratch,
                                int32_t* accepted) {
  for (*accepted = 0; *accepted < s.length(); ++*accepted) {
    bool goes_on = false;
    const coolsd_row_status status = Decision(s, lantern, at, *accepted, scratch).make(&goes_on);
    if (status != COOLSD_ROW_OK || !goes_on) return status;
  }
  const coolsd_row_status status = at.read_target(s, s.length(), scratch);
  if (status != COOLSD_ROW_OK) return status;
  const int32_t token = at.p.draw(s.uniform_for(s.length(), COOLSD_BONUS), scratch);
  s.emit(s.length(), token, at.log_prob(s, token), 1);
  return COOLSD_ROW_OK;
}

}  // namespace coolsd
