#include "block_rule.h"

#include <array>

namespace coolsd {

namespace {

constexpr int32_t kMostDraftLength = 64;

class Block {
 public:
  Block(const Sequence& s, Position* at, Scratch& scratch) : s_(s), at_(at), scratch_(scratch) {}

  coolsd_row_status verify(int32_t* accepted) {
    coolsd_row_status status = carry_all();
    if (status == COOLSD_ROW_OK) status = choose(accepted);
    int32_t drawn = -1;
    if (status == COOLSD_ROW_OK) status = *accepted < s_.length() ? resample(*accepted, &drawn) : bonus(&drawn);
    if (status != COOLSD_ROW_OK) return status;
    for (int32_t i = 0; i < *accepted; ++i) emit(i, s_.token(i));
    emit(*accepted, drawn);
    return COOLSD_ROW_OK;
  }

 private:
  double carried(int32_t tokens) const { return carried_[static_cast<size_t>(tokens)]; }
  double left(int32_t i) const { return left_[static_cast<size_t>(i)]; }
  double law(int32_t i, int32_t token) const {
    return block_law(at_[i].p[token], at_[i].q[token], static_cast<double>(at_[i].omega), left(i));
  }

  /* The laws of all positions and what every prefix carries, as far as it is above 0. */
  coolsd_row_status carry_all() {
    carried_[0] = 1;
    for (reached_ = 0; reached_ < s_.length() && carried(reached_) > 0; ++reached_) {
      const int32_t i = reached_;
      Position& at = at_[i];
      coolsd_row_status status = at.read_target(s_, i, scratch_);
      if (status == COOLSD_ROW_OK) status = at.read_draft(s_, i, scratch_);
      if (status == COOLSD_ROW_OK) status = at.choose_factor(s_, i, scratch_);
      Moments& moments = moments_[static_cast<size_t>(i)] = {0, 0};
      const double omega = static_cast<double>(at.omega);
      if (status == COOLSD_ROW_OK && omega > 1) {
        status = at.residual.sum(at.p, at.q, {omega}, true, scratch_, moments);
      }
      if (status != COOLSD_ROW_OK) return status;
      left_[static_cast<size_t>(i)] = residual_left(omega, moments.residual, moments.drift);
      const int32_t token = s_.token(i);
      carried_[static_cast<size_t>(i + 1)] = carry(carried(i), law(i, token), at.q[token]);
    }
    return COOLSD_ROW_OK;
  }

  /* The longest prefix whose uniform is below its acceptance, from the longest down. */
  coolsd_row_status choose(int32_t* accepted) {
    for (*accepted = reached_; *accepted > 0; --*accepted) {
      const int32_t i = *accepted;
      const double u = s_.uniform_for(i - 1, COOLSD_ACCEPT);
      if (!(u < carried(i))) continue; /* no acceptance is larger */
      if (i == s_.length() || carried(i) >= 1) break;
      double sum = 0;
      const coolsd_row_status status = sum_left(i, &sum);
      if (status != COOLSD_ROW_OK) return status;
      if (u < block_acceptance(carried(i), sum)) break;
    }
    return COOLSD_ROW_OK;
  }

  /* S_i, from a pass over both rows of position i; its blocks stay for the draw. */
  coolsd_row_status sum_left(int32_t i, double* sum) {
    const BlockResidual rule = block_residual(carried(i), left(i));
    *sum = 0;
    if (!(rule.target > 0)) return COOLSD_ROW_OK;
    Moments found{0, 0};
    const coolsd_row_status status =
        at_[i].residual.sum(at_[i].p, at_[i].q, {1, 0, rule.draft}, false, scratch_, found);
    *sum = rule.target * found.residual;
    return status;
  }

  /* The token behind i accepted ones. The pass that let them be accepted summed what it is drawn from, unless nothing
   * did. */
  coolsd_row_status resample(int32_t i, int32_t* token) {
    const bool summed = carried(i) < 1 || at_[i].omega > 1;
    double unused = 0;
    if (const coolsd_row_status status = summed ? COOLSD_ROW_OK : sum_left(i, &unused); status != COOLSD_ROW_OK) {
      return status;
    }
    const double u = s_.uniform_for(i, COOLSD_RESAMPLE);
    *token = left(i) > 0 ? at_[i].residual.draw(at_[i].p, at_[i].q, u, scratch_) : -1;
    if (*token < 0) *token = draw_law(i, u);
    return COOLSD_ROW_OK;
  }

  /* Inverse CDF of Phat, of which rounding only can leave no residual. */
  int32_t draw_law(int32_t i, double u) {
    const Law& p = at_[i].p;
    if (!(at_[i].omega > 1)) return p.draw(u, scratch_);
    double total = 0;
    for (int32_t v = p.lo(); v < p.hi(); ++v) total += law(i, v);
    double reached = 0;
    int32_t last = -1;
    for (int32_t v = p.lo(); v < p.hi(); ++v) {
      const double one = law(i, v);
      if (!(one > 0)) continue;
      last = v;
      reached += one;
      if (reached > u * total) break;
    }
    return last >= 0 ? last : p.draw(u, scratch_);
  }

  coolsd_row_status bonus(int32_t* token) {
    const int32_t i = s_.length();
    const coolsd_row_status status = at_[i].read_target(s_, i, scratch_);
    if (status == COOLSD_ROW_OK) *token = at_[i].p.draw(s_.uniform_for(i, COOLSD_BONUS), scratch_);
    return status;
  }

  void emit(int32_t i, int32_t token) const {
    const bool drafted = i < s_.length();
    const bool relaxed = drafted && at_[i].omega > 1;
    s_.emit(i, token, at_[i].log_prob(s_, token), relaxed && s_.wants_ratio() ? at_[i].p[token] / law(i, token) : 1);
    if (drafted) s_.certify(i, moments_[static_cast<size_t>(i)].drift, at_[i].omega);
  }

  const Sequence& s_;
  Position* at_;
  Scratch& scratch_;
  int32_t reached_ = 0;                                /* positions that were looked at */
  std::array<double, kMostDraftLength + 1> carried_{}; /* p_i */
  std::array<double, kMostDraftLength> left_{};        /* residual_left() of every position */
  std::array<Moments, kMostDraftLength> moments_{};
};

}  // namespace

coolsd_row_status verify_block(const Sequence& s, Position* at, Scratch& scratch, int32_t* accepted) {
  return Block(s, at, scratch).verify(accepted);
}

}  // namespace coolsd
