/* One sequence of a verification: its inputs, and where its results go. */
#ifndef COOLSD_NATIVE_SEQUENCE_H
#define COOLSD_NATIVE_SEQUENCE_H

#include <cstdint>

#include "coolsd.h"
#include "row.h"

namespace coolsd {

/* Draft positions i and rows i of the target count from 0. */
class Sequence {
 public:
  /* Sequence b of a checked call of a verifier with a checked specification; both must outlive this. */
  Sequence(const coolsd_verifier_spec& spec, const coolsd_verify_args& args, int32_t b);

  /* What is wrong with its inputs, logits aside. */
  coolsd_row_status judge() const;

  const coolsd_verifier_spec& spec() const { return spec_; }
  int32_t length() const { return length_; } /* of its draft; after judge() it is a length */
  int32_t token(int32_t i) const { return args_.draft_tokens[b_ * spec_.draft_length + i]; }
  const coolsd_sampling& target_sampling() const {
    return args_.target_sampling == nullptr ? spec_.target : args_.target_sampling[b_];
  }
  const coolsd_sampling& draft_sampling() const {
    return args_.draft_sampling == nullptr ? spec_.draft : args_.draft_sampling[b_];
  }
  Row target_row(int32_t i) const;
  Row draft_row(int32_t i) const;
  /* NULL: the row is to be read for it. */
  const coolsd_normaliser* normaliser(int32_t i) const {
    return args_.draft_normalisers == nullptr ? nullptr : args_.draft_normalisers + b_ * spec_.draft_length + i;
  }
  float omega(int32_t i) const {
    return args_.omega == nullptr ? spec_.omega[i] : args_.omega[b_ * spec_.draft_length + i];
  }
  float drift_budget(int32_t i) const {
    return args_.drift_budget == nullptr ? spec_.drift_budget : args_.drift_budget[b_ * spec_.draft_length + i];
  }
  /* Of the position of draft token i, or of the token behind the draft. */
  double uniform_for(int32_t i, coolsd_purpose purpose) const;

  bool wants_drift() const { return args_.drift != nullptr; }
  bool wants_ratio() const { return args_.ratio != nullptr; }
  bool wants_log_prob() const { return args_.log_prob != nullptr; }

  /* No tokens. */
  void clear() const;
  /* Position i emitted a token, with its log P and P/Phat. */
  void emit(int32_t i, int32_t token, double log_prob, double ratio) const;
  /* What a draft position emitted its token with. */
  void certify(int32_t i, double drift, float factor) const;
  void finish(coolsd_row_status status, int32_t accepted) const;

 private:
  const coolsd_verifier_spec& spec_;
  const coolsd_verify_args& args_;
  int64_t b_;
  int32_t length_;
};

/* The row i of sequence b, which begins at its offset where there are offsets. */
Row row_of(const coolsd_logits& logits, const int64_t* offsets, const coolsd_logits& uncond,
           const int64_t* uncond_offsets, float guidance, int64_t b, int64_t i);

}  // namespace coolsd

#endif
