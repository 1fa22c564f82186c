/* The C ABI over the CPU backend: arguments checked, then one sequence after the other. */
#include <cmath>
#include <memory>
#include <new>

#include "common/philox.h"
#include "common/rule.h"
#include "coolsd.h"
#include "distribution.h"
#include "error.h"

using coolsd::Distribution;
using coolsd::fail;
using coolsd::Row;
using coolsd::uniform_bits;

struct coolsd_verifier {
  explicit coolsd_verifier(const coolsd_verifier_spec& s)
      : spec(s), omega(s.omega, s.omega + s.draft_length), p(s.vocab), q(s.vocab) {}

  coolsd_verifier_spec spec;
  std::vector<float> omega;
  Distribution p;
  Distribution q;
};

namespace {

coolsd_status check(const coolsd_sampling& s, const char* name, int32_t vocab) {
  if (s.struct_size != sizeof s) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s.struct_size is %zu, this library expects %zu", name, s.struct_size,
                sizeof s);
  }
  if (!(s.temperature >= 0) || std::isinf(s.temperature)) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s.temperature is %g, it must be finite and at least 0", name,
                static_cast<double>(s.temperature));
  }
  if (!std::isfinite(s.guidance)) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s.guidance is %g, it must be finite", name,
                static_cast<double>(s.guidance));
  }
  if (s.top_k < 0) return fail(COOLSD_INVALID_ARGUMENT, "%s.top_k is %d, it must be at least 0", name, s.top_k);
  if (!(s.top_p > 0 && s.top_p <= 1)) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s.top_p is %g, it must be above 0 and at most 1", name,
                static_cast<double>(s.top_p));
  }
  const bool all = s.window_lo == 0 && s.window_hi == 0;
  if (!all && !(0 <= s.window_lo && s.window_lo < s.window_hi && s.window_hi <= vocab)) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s.window is [%d, %d), it must lie in [0, %d) and hold a token", name,
                s.window_lo, s.window_hi, vocab);
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

#define COOLSD_REQUIRE(pointer) \
  if ((pointer) == nullptr) return fail(COOLSD_INVALID_ARGUMENT, #pointer " is NULL")
#define COOLSD_TRY(call) \
  if (coolsd_status tried = (call); tried != COOLSD_OK) return tried

template <typename Args>
coolsd_status check_size(const Args& args, const char* name) {
  if (args.struct_size != sizeof args) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s.struct_size is %zu, this library expects %zu", name, args.struct_size,
                sizeof args);
  }
  return COOLSD_OK;
}

/* Replaces p by the resampling law of one position; leaves p as it is where the residual is empty. */
void to_residual(Distribution& p, const Distribution& q, double omega) {
  double mass = 0;
  for (int32_t v = 0; v < p.vocab(); ++v) mass += coolsd::residual(p[v], q[v], omega);
  if (mass <= 0) return;
  for (int32_t v = 0; v < p.vocab(); ++v) p.at(v) = coolsd::residual(p[v], q[v], omega);
}

double drift(const Distribution& p, const Distribution& q, double omega) {
  double d = 0;
  if (omega > 1) {
    for (int32_t v = 0; v < p.vocab(); ++v) d += coolsd::drift(p[v], q[v], omega);
  }
  return d;
}

/* One sequence: tokens [length + 1] are filled as far as they go. Nothing after the first rejection is read. */
coolsd_row_status verify_one(coolsd_verifier& s, const coolsd_verify_args& a, int32_t b, int32_t length,
                             int32_t* tokens, int32_t* accepted, double* drifts) {
  const int32_t stride = s.spec.draft_length;
  const uint64_t seed = a.seeds[b];
  const uint64_t position = a.positions[b];
  for (int32_t i = 0; i < length; ++i) {
    const int32_t token = a.draft_tokens[int64_t{b} * stride + i];
    if (token < 0 || token >= s.spec.vocab) return COOLSD_ROW_TOKEN_OUT_OF_RANGE;
  }
  int32_t n = 0;
  uint32_t purpose = COOLSD_BONUS;
  for (; n < length; ++n) {
    coolsd_row_status row = s.p.assign(Row(a.target, b, n), Row(a.target_uncond, b, n), s.spec.target);
    if (row != COOLSD_ROW_OK) return row;
    row = s.q.assign(Row(a.draft, b, n), Row(a.draft_uncond, b, n), s.spec.draft);
    if (row != COOLSD_ROW_OK) return row;
    const double omega = static_cast<double>(s.omega[static_cast<size_t>(n)]);
    if (drifts != nullptr) drifts[n] = drift(s.p, s.q, omega);
    const int32_t token = a.draft_tokens[int64_t{b} * stride + n];
    const uint64_t at = position + static_cast<uint64_t>(n);
    const double u = static_cast<double>(uniform_bits(seed, at, COOLSD_ACCEPT)) * 0x1p-32;
    if (!coolsd::accept(s.p[token], s.q[token], omega, u)) {
      to_residual(s.p, s.q, omega);
      purpose = COOLSD_RESAMPLE;
      break;
    }
    tokens[n] = token;
  }
  if (n == length) {
    const coolsd_row_status row = s.p.assign(Row(a.target, b, n), Row(a.target_uncond, b, n), s.spec.target);
    if (row != COOLSD_ROW_OK) return row;
  }
  tokens[n] = s.p.draw(uniform_bits(seed, position + static_cast<uint64_t>(n), purpose));
  *accepted = n;
  return COOLSD_ROW_OK;
}

}  // namespace

int32_t coolsd_version(void) { return 100; }

coolsd_status coolsd_backend_status(int32_t backend) {
  switch (backend) {
    case COOLSD_CPU:
      return COOLSD_OK;
    case COOLSD_CUDA:
      return fail(COOLSD_NO_BACKEND, "this build of coolsd has no CUDA backend");
    default:
      return fail(COOLSD_INVALID_ARGUMENT, "backend is %d, not a coolsd_backend", backend);
  }
}

coolsd_status coolsd_verifier_create(const coolsd_verifier_spec* spec, coolsd_verifier** out) {
  COOLSD_REQUIRE(spec);
  COOLSD_REQUIRE(out);
  *out = nullptr;
  COOLSD_TRY(check_size(*spec, "spec"));
  COOLSD_TRY(coolsd_backend_status(spec->backend));
  if (spec->vocab < 2 || spec->vocab > 1 << 20) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.vocab is %d, it must be 2..1048576", spec->vocab);
  }
  if (spec->draft_length < 0 || spec->draft_length > 64) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.draft_length is %d, it must be 0..64", spec->draft_length);
  }
  if (spec->draft_length > 0) COOLSD_REQUIRE(spec->omega);
  for (int32_t i = 0; i < spec->draft_length; ++i) {
    if (!(spec->omega[i] >= 0) || std::isinf(spec->omega[i])) {
      return fail(COOLSD_INVALID_ARGUMENT, "spec.omega[%d] is %g, it must be finite and at least 0", i,
                  static_cast<double>(spec->omega[i]));
    }
  }
  COOLSD_TRY(check(spec->target, "spec.target", spec->vocab));
  COOLSD_TRY(check(spec->draft, "spec.draft", spec->vocab));
  try {
    *out = new coolsd_verifier(*spec);
  } catch (const std::bad_alloc&) {
    return fail(COOLSD_OUT_OF_MEMORY, "no memory for a vocabulary of %d", spec->vocab);
  }
  return COOLSD_OK;
}

void coolsd_verifier_destroy(coolsd_verifier* verifier) { delete verifier; }

coolsd_status coolsd_verify(coolsd_verifier* verifier, const coolsd_verify_args* args) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(args);
  COOLSD_TRY(check_size(*args, "args"));
  const int32_t stride = verifier->spec.draft_length;
  if (args->batch < 1) return fail(COOLSD_INVALID_ARGUMENT, "args.batch is %d, it must be at least 1", args->batch);
  COOLSD_TRY(check(args->target, "args.target", true));
  COOLSD_TRY(check(args->target_uncond, "args.target_uncond", false));
  COOLSD_TRY(check(args->draft, "args.draft", stride > 0));
  COOLSD_TRY(check(args->draft_uncond, "args.draft_uncond", false));
  if (stride > 0) COOLSD_REQUIRE(args->draft_tokens);
  COOLSD_REQUIRE(args->seeds);
  COOLSD_REQUIRE(args->positions);
  COOLSD_REQUIRE(args->tokens);
  COOLSD_REQUIRE(args->accepted);
  COOLSD_REQUIRE(args->status);
  for (int32_t b = 0; b < args->batch && args->draft_lengths != nullptr; ++b) {
    if (args->draft_lengths[b] < 0 || args->draft_lengths[b] > stride) {
      return fail(COOLSD_INVALID_ARGUMENT, "args.draft_lengths[%d] is %d, it must be 0..%d", b,
                  args->draft_lengths[b], stride);
    }
  }
  for (int32_t b = 0; b < args->batch; ++b) {
    int32_t* tokens = args->tokens + int64_t{b} * (stride + 1);
    double* drifts = args->drift == nullptr ? nullptr : args->drift + int64_t{b} * stride;
    std::fill(tokens, tokens + stride + 1, -1);
    if (drifts != nullptr) std::fill(drifts, drifts + stride, 0.0);
    args->accepted[b] = 0;
    const int32_t length = args->draft_lengths == nullptr ? stride : args->draft_lengths[b];
    const coolsd_row_status row =
        verify_one(*verifier, *args, b, length, tokens, args->accepted + b, drifts);
    args->status[b] = row;
    if (row != COOLSD_ROW_OK) std::fill(tokens, tokens + stride + 1, -1);
  }
  return COOLSD_OK;
}

coolsd_status coolsd_sample(coolsd_verifier* verifier, const coolsd_sample_args* args) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(args);
  COOLSD_TRY(check_size(*args, "args"));
  if (args->batch < 1) return fail(COOLSD_INVALID_ARGUMENT, "args.batch is %d, it must be at least 1", args->batch);
  COOLSD_TRY(check(args->logits, "args.logits", true));
  COOLSD_TRY(check(args->logits_uncond, "args.logits_uncond", false));
  if (args->purpose != COOLSD_DRAFT && args->purpose != COOLSD_BONUS) {
    return fail(COOLSD_INVALID_ARGUMENT, "args.purpose is %d, it must be COOLSD_DRAFT or COOLSD_BONUS",
                args->purpose);
  }
  COOLSD_REQUIRE(args->seeds);
  COOLSD_REQUIRE(args->positions);
  COOLSD_REQUIRE(args->tokens);
  COOLSD_REQUIRE(args->status);
  const coolsd_sampling& sampling =
      args->purpose == COOLSD_DRAFT ? verifier->spec.draft : verifier->spec.target;
  for (int32_t b = 0; b < args->batch; ++b) {
    const coolsd_row_status row =
        verifier->p.assign(Row(args->logits, b, 0), Row(args->logits_uncond, b, 0), sampling);
    args->status[b] = row;
    args->tokens[b] = row != COOLSD_ROW_OK
                          ? -1
                          : verifier->p.draw(uniform_bits(args->seeds[b], args->positions[b],
                                                          static_cast<uint32_t>(args->purpose)));
  }
  return COOLSD_OK;
}
