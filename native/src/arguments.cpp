#include "arguments.h"

#include "common/number.h"
#include "common/sampling.h"
#include "error.h"

namespace coolsd {

namespace {

#define COOLSD_REQUIRE(pointer) \
  if ((pointer) == nullptr) return fail(COOLSD_INVALID_ARGUMENT, #pointer " is NULL")
#define COOLSD_TRY(call) \
  if (coolsd_status tried = (call); tried != COOLSD_OK) return tried

double wide(float x) { return static_cast<double>(x); }

coolsd_status check(const coolsd_sampling& s, const char* name, int32_t vocab) {
  switch (sampling_fault(s, vocab)) {
    case SamplingFault::kNone:
      return COOLSD_OK;
    case SamplingFault::kStructSize:
      return fail(COOLSD_INVALID_ARGUMENT, "%s.struct_size is %zu, it must be %zu", name, s.struct_size, sizeof s);
    case SamplingFault::kTemperature:
      return fail(COOLSD_INVALID_ARGUMENT, "%s.temperature is %g, it must be finite and at least 0", name,
                  wide(s.temperature));
    case SamplingFault::kGuidance:
      return fail(COOLSD_INVALID_ARGUMENT, "%s.guidance is %g, it must be finite", name, wide(s.guidance));
    case SamplingFault::kTopK:
      return fail(COOLSD_INVALID_ARGUMENT, "%s.top_k is %d, it must be at least 0", name, s.top_k);
    case SamplingFault::kTopP:
      return fail(COOLSD_INVALID_ARGUMENT, "%s.top_p is %g, it must be above 0 and at most 1", name, wide(s.top_p));
    case SamplingFault::kWindow:
      break;
  }
  return fail(COOLSD_INVALID_ARGUMENT, "%s.window is [%d, %d), it must lie in [0, %d) and hold a token", name,
              s.window_lo, s.window_hi, vocab);
}

coolsd_status check_not_negative(float x, const char* name) {
  if (x >= 0 && is_finite(x)) return COOLSD_OK;
  return fail(COOLSD_INVALID_ARGUMENT, "%s is %g, it must be finite and at least 0", name, wide(x));
}

coolsd_status check(const coolsd_lantern& l, const coolsd_verifier_spec& spec) {
  if (l.neighbours == nullptr) return fail(COOLSD_INVALID_ARGUMENT, "spec.lantern.neighbours is NULL");
  if (l.k < 1 || l.k >= spec.vocab) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.lantern.k is %d, it must be 1..%d", l.k, spec.vocab - 1);
  }
  if (l.rule != COOLSD_LANTERN && l.rule != COOLSD_LANTERN_PLUS_PLUS) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.lantern.rule is %d, not a coolsd_lantern_rule", l.rule);
  }
  if (l.residual != COOLSD_RESIDUAL_LANTERN && l.residual != COOLSD_RESIDUAL_OPTIMAL) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.lantern.residual is %d, not a coolsd_lantern_residual", l.residual);
  }
  const float least = l.rule == COOLSD_LANTERN ? 0.0f : 1.0f;
  if (!(l.bound >= least && is_finite(l.bound))) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.lantern.bound is %g, it must be finite and at least %g", wide(l.bound),
                wide(least));
  }
  for (int64_t i = 0; i < int64_t{spec.vocab} * l.k; ++i) {
    if (l.neighbours[i] < 0 || l.neighbours[i] >= spec.vocab) {
      return fail(COOLSD_INVALID_ARGUMENT, "spec.lantern.neighbours[%lld] is %d, it must be 0..%d",
                  static_cast<long long>(i), l.neighbours[i], spec.vocab - 1);
    }
  }
  for (int32_t i = 0; i < spec.draft_length; ++i) {
    if (spec.omega[i] != 1) {
      return fail(COOLSD_INVALID_ARGUMENT, "spec.omega[%d] is %g, with spec.lantern it must be 1", i,
                  wide(spec.omega[i]));
    }
  }
  return COOLSD_OK;
}

/* What a rule goes together with. */
coolsd_status check_rule(coolsd_verifier_spec& spec) {
  if (spec.rule < COOLSD_RULE_BY_POINTER || spec.rule > COOLSD_RULE_BLOCK) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.rule is %d, not a coolsd_rule", spec.rule);
  }
  if (spec.factors < COOLSD_FACTORS_GIVEN || spec.factors > COOLSD_FACTORS_ENTROPY) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.factors is %d, not a coolsd_factors", spec.factors);
  }
  if (spec.rule == COOLSD_RULE_BY_POINTER) {
    spec.rule = spec.lantern == nullptr ? COOLSD_RULE_RELAXED : COOLSD_RULE_LANTERN;
  }
  const bool lantern = spec.rule == COOLSD_RULE_LANTERN;
  if (lantern && spec.lantern == nullptr) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.lantern is NULL, with COOLSD_RULE_LANTERN it must be given");
  }
  if (!lantern && spec.lantern != nullptr) {
    return fail(COOLSD_INVALID_ARGUMENT,
                "spec.lantern is given and spec.rule is %d, it must be COOLSD_RULE_LANTERN (%d)", spec.rule,
                COOLSD_RULE_LANTERN);
  }
  if (lantern && spec.factors != COOLSD_FACTORS_GIVEN) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.factors is %d, with LANTERN's rule it must be COOLSD_FACTORS_GIVEN (%d)",
                spec.factors, COOLSD_FACTORS_GIVEN);
  }
  COOLSD_TRY(check_not_negative(spec.affine, "spec.affine"));
  if (spec.affine != 0 && spec.rule != COOLSD_RULE_RELAXED) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.affine is %g and spec.rule is %d, it must be COOLSD_RULE_RELAXED (%d)",
                wide(spec.affine), spec.rule, COOLSD_RULE_RELAXED);
  }
  if (spec.affine != 0 && spec.factors == COOLSD_FACTORS_BUDGET) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.affine is %g, with COOLSD_FACTORS_BUDGET it must be 0",
                wide(spec.affine));
  }
  COOLSD_TRY(check_not_negative(spec.drift_budget, "spec.drift_budget"));
  if (spec.drift_budget != 0 && spec.factors != COOLSD_FACTORS_BUDGET) {
    return fail(COOLSD_INVALID_ARGUMENT,
                "spec.drift_budget is %g and spec.factors is %d, it must be COOLSD_FACTORS_BUDGET (%d)",
                wide(spec.drift_budget), spec.factors, COOLSD_FACTORS_BUDGET);
  }
  return COOLSD_OK;
}

coolsd_status check(const coolsd_logits& l, const char* name, bool required) {
  if (l.data == nullptr) {
    return required ? fail(COOLSD_INVALID_ARGUMENT, "%s.data is NULL", name) : COOLSD_OK;
  }
  if (l.dtype < COOLSD_F32 || l.dtype > COOLSD_BF16) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s.dtype is %d, not a coolsd_dtype", name, l.dtype);
  }
  return COOLSD_OK;
}

/* Both halves of one argument must have one element type. */
coolsd_status check_pair(const coolsd_logits& l, const coolsd_logits& uncond, const char* name, bool required) {
  COOLSD_TRY(check(l, name, required));
  if (l.data == nullptr || uncond.data == nullptr) return COOLSD_OK;
  if (uncond.dtype != l.dtype) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s_uncond.dtype is %d, %s.dtype is %d; they must be equal", name,
                uncond.dtype, name, l.dtype);
  }
  return COOLSD_OK;
}

/* What both kinds of arguments end with. */
template <typename Args>
coolsd_status check_call(const Args& args, const coolsd_verifier_spec& spec) {
  if (args.batch < 1) return fail(COOLSD_INVALID_ARGUMENT, "args.batch is %d, it must be at least 1", args.batch);
  COOLSD_REQUIRE(args.seeds);
  COOLSD_REQUIRE(args.positions);
  COOLSD_REQUIRE(args.tokens);
  COOLSD_REQUIRE(args.status);
  const int32_t most = spec.backend == COOLSD_CUDA ? 1 : 0;
  if (args.inputs_on_host < 0 || args.inputs_on_host > most) {
    return fail(COOLSD_INVALID_ARGUMENT, "args.inputs_on_host is %d, it must be 0%s", args.inputs_on_host,
                most == 1 ? " or 1" : " on the CPU");
  }
  if (args.reserved != 0) return fail(COOLSD_INVALID_ARGUMENT, "args.reserved is %d, it must be 0", args.reserved);
  return COOLSD_OK;
}

}  // namespace

coolsd_status check(coolsd_verifier_spec& spec) {
  if (spec.vocab < 2 || spec.vocab > 1 << 20) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.vocab is %d, it must be 2..1048576", spec.vocab);
  }
  if (spec.draft_length < 0 || spec.draft_length > 64) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.draft_length is %d, it must be 0..64", spec.draft_length);
  }
  if (spec.draft_length > 0) COOLSD_REQUIRE(spec.omega);
  for (int32_t i = 0; i < spec.draft_length; ++i) {
    if (!(spec.omega[i] >= 0 && is_finite(spec.omega[i]))) {
      return fail(COOLSD_INVALID_ARGUMENT, "spec.omega[%d] is %g, it must be finite and at least 0", i,
                  wide(spec.omega[i]));
    }
  }
  COOLSD_TRY(check(spec.target, "spec.target", spec.vocab));
  COOLSD_TRY(check(spec.draft, "spec.draft", spec.vocab));
  COOLSD_TRY(check_rule(spec));
  return spec.lantern == nullptr ? COOLSD_OK : check(*spec.lantern, spec);
}

coolsd_status check(const coolsd_verify_args& args, const coolsd_verifier_spec& spec) {
  COOLSD_TRY(check_call(args, spec));
  COOLSD_TRY(check_pair(args.target, args.target_uncond, "args.target", true));
  COOLSD_TRY(check_pair(args.draft, args.draft_uncond, "args.draft", spec.draft_length > 0));
  if (spec.draft_length > 0) COOLSD_REQUIRE(args.draft_tokens);
  COOLSD_REQUIRE(args.accepted);
  const bool has_law = spec.lantern == nullptr || spec.lantern->residual == COOLSD_RESIDUAL_OPTIMAL;
  if (!has_law && (args.drift != nullptr || args.ratio != nullptr)) {
    return fail(COOLSD_INVALID_ARGUMENT,
                "%s is given, but under COOLSD_RESIDUAL_LANTERN the law of a position has no closed form",
                args.drift != nullptr ? "args.drift" : "args.ratio");
  }
  if (spec.rule == COOLSD_RULE_LANTERN && args.omega != nullptr) {
    return fail(COOLSD_INVALID_ARGUMENT, "args.omega is given, with LANTERN's rule every omega is 1");
  }
  if (spec.factors != COOLSD_FACTORS_BUDGET && args.drift_budget != nullptr) {
    return fail(COOLSD_INVALID_ARGUMENT,
                "args.drift_budget is given and the verifier's factors are %d, they must be COOLSD_FACTORS_BUDGET (%d)",
                spec.factors, COOLSD_FACTORS_BUDGET);
  }
  return COOLSD_OK;
}

coolsd_status check(const coolsd_sample_args& args, const coolsd_verifier_spec& spec) {
  COOLSD_TRY(check_call(args, spec));
  COOLSD_TRY(check_pair(args.logits, args.logits_uncond, "args.logits", true));
  if (args.purpose != COOLSD_DRAFT && args.purpose != COOLSD_BONUS) {
    return fail(COOLSD_INVALID_ARGUMENT, "args.purpose is %d, it must be COOLSD_DRAFT or COOLSD_BONUS", args.purpose);
  }
  return COOLSD_OK;
}

}  // namespace coolsd
