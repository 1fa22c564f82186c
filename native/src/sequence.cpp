#include "sequence.h"

#include <algorithm>

#include "common/number.h"
#include "common/philox.h"
#include "common/sampling.h"

namespace coolsd {

namespace {

int64_t start(const coolsd_logits& l, const int64_t* offsets, int64_t b, int64_t i) {
  return (offsets == nullptr ? b * l.batch_stride : offsets[b]) + i * l.row_stride;
}

bool usable(float factor) { return factor >= 0 && is_finite(factor); }

}  // namespace

Row row_of(const coolsd_logits& logits, const int64_t* offsets, const coolsd_logits& uncond,
           const int64_t* uncond_offsets, float guidance, int64_t b, int64_t i) {
  return {logits, uncond, guidance, start(logits, offsets, b, i), start(uncond, uncond_offsets, b, i)};
}

Sequence::Sequence(const coolsd_verifier_spec& spec, const coolsd_verify_args& args, int32_t b)
    : spec_(spec),
      args_(args),
      b_(b),
      length_(args.draft_lengths == nullptr ? spec.draft_length : args.draft_lengths[b]) {}

coolsd_row_status Sequence::judge() const {
  if (length_ < 0 || length_ > spec_.draft_length) return COOLSD_ROW_DRAFT_LENGTH;
  for (const coolsd_sampling* s : {&target_sampling(), &draft_sampling()}) {
    if (sampling_fault(*s, spec_.vocab) != SamplingFault::kNone) return COOLSD_ROW_SAMPLING;
  }
  for (int32_t i = 0; i < length_; ++i) {
    if (!usable(omega(i)) || !usable(drift_budget(i))) return COOLSD_ROW_FACTOR;
  }
  for (int32_t i = 0; i < length_; ++i) {
    if (token(i) < 0 || token(i) >= spec_.vocab) return COOLSD_ROW_TOKEN_OUT_OF_RANGE;
  }
  return COOLSD_ROW_OK;
}

Row Sequence::target_row(int32_t i) const {
  return row_of(args_.target, args_.target_offsets, args_.target_uncond, args_.target_uncond_offsets,
                target_sampling().guidance, b_, i);
}

Row Sequence::draft_row(int32_t i) const {
  return row_of(args_.draft, args_.draft_offsets, args_.draft_uncond, args_.draft_uncond_offsets,
                draft_sampling().guidance, b_, i);
}

double Sequence::uniform_for(int32_t i, coolsd_purpose purpose) const {
  return uniform(args_.seeds[b_], args_.positions[b_] + static_cast<uint64_t>(i), static_cast<uint32_t>(purpose));
}

void Sequence::clear() const {
  const int64_t length = spec_.draft_length, drawn = length + 1;
  std::fill_n(args_.tokens + b_ * drawn, drawn, -1);
  if (args_.drift != nullptr) std::fill_n(args_.drift + b_ * length, length, 0.0);
  if (args_.factors != nullptr) std::fill_n(args_.factors + b_ * length, length, 0.0f);
  if (args_.ratio != nullptr) std::fill_n(args_.ratio + b_ * drawn, drawn, 1.0);
  if (args_.log_prob != nullptr) std::fill_n(args_.log_prob + b_ * drawn, drawn, 0.0);
}

void Sequence::emit(int32_t i, int32_t token, double log_prob, double ratio) const {
  const int64_t at = b_ * (spec_.draft_length + 1) + i;
  args_.tokens[at] = token;
  if (args_.ratio != nullptr) args_.ratio[at] = ratio;
  if (args_.log_prob != nullptr) args_.log_prob[at] = log_prob;
}

void Sequence::certify(int32_t i, double drift, float factor) const {
  const int64_t at = b_ * spec_.draft_length + i;
  if (args_.drift != nullptr) args_.drift[at] = drift;
  if (args_.factors != nullptr) args_.factors[at] = factor;
}

void Sequence::finish(coolsd_row_status status, int32_t accepted) const {
  args_.status[b_] = status;
  args_.accepted[b_] = status == COOLSD_ROW_OK ? accepted : 0;
  if (status != COOLSD_ROW_OK) clear();
}

}  // namespace coolsd
