#include "step.h"

#include <cmath>

#include "block_rule.h"
#include "common/philox.h"
#include "common/sampling.h"
#include "sequence.h"
#include "token_rules.h"

namespace coolsd {

CpuVerifier::CpuVerifier(const coolsd_verifier_spec& spec)
    : spec_(spec),
      omega_(spec.omega, spec.omega + spec.draft_length),
      lantern_(spec.lantern == nullptr ? nullptr : std::make_unique<Lantern>(*spec.lantern, spec.vocab)),
      scratch_(spec.vocab),
      positions_(spec.rule == COOLSD_RULE_BLOCK ? static_cast<size_t>(spec.draft_length) + 1 : 1,
                 Position(spec.vocab)) {
  spec_.omega = omega_.data();
}

void CpuVerifier::verify(const coolsd_verify_args& args, int32_t b) {
  const Sequence s(spec_, args, b);
  s.clear();
  int32_t accepted = 0;
  coolsd_row_status status = s.judge();
  if (status == COOLSD_ROW_OK) {
    status = spec_.rule == COOLSD_RULE_BLOCK
                 ? verify_block(s, positions_.data(), scratch_, &accepted)
                 : verify_tokens(s, lantern_.get(), positions_.front(), scratch_, &accepted);
  }
  s.finish(status, accepted);
}

void CpuVerifier::sample(const coolsd_sample_args& a, int32_t b) {
  const coolsd_sampling& own = a.purpose == COOLSD_DRAFT ? spec_.draft : spec_.target;
  const coolsd_sampling& sampling = a.sampling == nullptr ? own : a.sampling[b];
  a.tokens[b] = -1;
  if (a.normalisers != nullptr) a.normalisers[b] = {0, 0, 0, 0, 0};
  if (a.log_prob != nullptr) a.log_prob[b] = 0;
  a.status[b] = COOLSD_ROW_SAMPLING;
  if (sampling_fault(sampling, spec_.vocab) != SamplingFault::kNone) return;
  Law& p = positions_.front().p;
  const Row row = row_of(a.logits, a.logits_offsets, a.logits_uncond, a.logits_uncond_offsets, sampling.guidance, b, 0);
  a.status[b] = p.assign(row, sampling, spec_.vocab, scratch_);
  if (a.status[b] != COOLSD_ROW_OK) return;
  a.tokens[b] = p.draw(uniform(a.seeds[b], a.positions[b], static_cast<uint32_t>(a.purpose)), scratch_);
  if (a.normalisers != nullptr) a.normalisers[b] = p.normaliser();
  if (a.log_prob != nullptr) a.log_prob[b] = std::log(p[a.tokens[b]]);
}

}  // namespace coolsd
