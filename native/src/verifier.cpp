/* The C ABI: arguments checked, then handed to the backend. */
#include <cmath>
#include <memory>
#include <new>

#include "coolsd.h"
#include "cuda/cuda_verifier.h"
#include "error.h"
#include "simd/simd.h"
#include "step.h"

using coolsd::fail;

/* One of the two backends. */
struct coolsd_verifier {
  int32_t draft_length;
  bool has_drift; /* whether the law of a position has a closed form */
  std::unique_ptr<coolsd::CpuVerifier> cpu;
  std::unique_ptr<coolsd::CudaVerifier> cuda;
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
    return fail(COOLSD_INVALID_ARGUMENT, "%s.guidance is %g, it must be finite", name, static_cast<double>(s.guidance));
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

coolsd_status check(const coolsd_lantern& l, const coolsd_verifier_spec& spec) {
  COOLSD_TRY(check_size(l, "spec.lantern"));
  COOLSD_REQUIRE(l.neighbours);
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
  if (!(l.bound >= least) || std::isinf(l.bound)) {
    return fail(COOLSD_INVALID_ARGUMENT, "spec.lantern.bound is %g, it must be finite and at least %g",
                static_cast<double>(l.bound), static_cast<double>(least));
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
                  static_cast<double>(spec.omega[i]));
    }
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

}  // namespace

int32_t coolsd_version(void) { return 100; }

const char* coolsd_simd(void) { return coolsd::simd::target(); }

coolsd_status coolsd_backend_status(int32_t backend) {
  switch (backend) {
    case COOLSD_CPU:
      return COOLSD_OK;
    case COOLSD_CUDA:
      if (const char* why = coolsd::Device::why_not(); why != nullptr) return fail(COOLSD_NO_BACKEND, "%s", why);
      return COOLSD_OK;
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
  if (spec->lantern != nullptr) COOLSD_TRY(check(*spec->lantern, *spec));
  try {
    const bool has_drift = spec->lantern == nullptr || spec->lantern->residual == COOLSD_RESIDUAL_OPTIMAL;
    auto made = std::make_unique<coolsd_verifier>(coolsd_verifier{spec->draft_length, has_drift, nullptr, nullptr});
    if (spec->backend == COOLSD_CPU) {
      made->cpu = std::make_unique<coolsd::CpuVerifier>(*spec);
    } else {
      const char* error = nullptr;
      auto device = coolsd::Device::open(spec->device, &error);
      if (device == nullptr) return fail(COOLSD_NO_BACKEND, "spec.device is %d: %s", spec->device, error);
      made->cuda = std::make_unique<coolsd::CudaVerifier>(*spec, std::move(device));
      COOLSD_TRY(made->cuda->prepare());
    }
    *out = made.release();
  } catch (const std::bad_alloc&) {
    return fail(COOLSD_OUT_OF_MEMORY, "no memory for a vocabulary of %d", spec->vocab);
  }
  return COOLSD_OK;
}

void coolsd_verifier_destroy(coolsd_verifier* verifier) { delete verifier; }

coolsd_status coolsd_verifier_reserve(coolsd_verifier* verifier, int32_t batch, size_t* bytes) {
  COOLSD_REQUIRE(verifier);
  if (batch < 1) return fail(COOLSD_INVALID_ARGUMENT, "batch is %d, it must be at least 1", batch);
  if (verifier->cuda != nullptr) COOLSD_TRY(verifier->cuda->reserve(batch));
  if (bytes != nullptr) *bytes = verifier->cuda == nullptr ? 0 : verifier->cuda->reserved_bytes();
  return COOLSD_OK;
}

coolsd_status coolsd_host_register(coolsd_verifier* verifier, void* memory, size_t bytes) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(memory);
  return verifier->cuda == nullptr ? COOLSD_OK : verifier->cuda->register_host(memory, bytes);
}

coolsd_status coolsd_host_unregister(coolsd_verifier* verifier, void* memory) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(memory);
  return verifier->cuda == nullptr ? COOLSD_OK : verifier->cuda->unregister_host(memory);
}

coolsd_status coolsd_synchronize(coolsd_verifier* verifier, void* stream) {
  COOLSD_REQUIRE(verifier);
  return verifier->cuda == nullptr ? COOLSD_OK : verifier->cuda->synchronize(stream);
}

coolsd_status coolsd_verify(coolsd_verifier* verifier, const coolsd_verify_args* args) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(args);
  COOLSD_TRY(check_size(*args, "args"));
  const int32_t stride = verifier->draft_length;
  if (args->batch < 1) return fail(COOLSD_INVALID_ARGUMENT, "args.batch is %d, it must be at least 1", args->batch);
  COOLSD_TRY(check_pair(args->target, args->target_uncond, "args.target", true));
  COOLSD_TRY(check_pair(args->draft, args->draft_uncond, "args.draft", stride > 0));
  if (stride > 0) COOLSD_REQUIRE(args->draft_tokens);
  COOLSD_REQUIRE(args->seeds);
  COOLSD_REQUIRE(args->positions);
  COOLSD_REQUIRE(args->tokens);
  COOLSD_REQUIRE(args->accepted);
  COOLSD_REQUIRE(args->status);
  /* On a device they are the kernel's to check. */
  for (int32_t b = 0; b < args->batch && args->draft_lengths != nullptr && verifier->cpu != nullptr; ++b) {
    if (args->draft_lengths[b] < 0 || args->draft_lengths[b] > stride) {
      return fail(COOLSD_INVALID_ARGUMENT, "args.draft_lengths[%d] is %d, it must be 0..%d", b, args->draft_lengths[b],
                  stride);
    }
  }
  if (!verifier->has_drift && (args->drift != nullptr || args->ratio != nullptr)) {
    return fail(COOLSD_INVALID_ARGUMENT,
                "%s is given, but under COOLSD_RESIDUAL_LANTERN the law of a position has no closed form",
                args->drift != nullptr ? "args.drift" : "args.ratio");
  }
  if (verifier->cuda != nullptr) return verifier->cuda->verify(*args);
  for (int32_t b = 0; b < args->batch; ++b) verifier->cpu->verify(*args, b);
  return COOLSD_OK;
}

coolsd_status coolsd_sample(coolsd_verifier* verifier, const coolsd_sample_args* args) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(args);
  COOLSD_TRY(check_size(*args, "args"));
  if (args->batch < 1) return fail(COOLSD_INVALID_ARGUMENT, "args.batch is %d, it must be at least 1", args->batch);
  COOLSD_TRY(check_pair(args->logits, args->logits_uncond, "args.logits", true));
  if (args->purpose != COOLSD_DRAFT && args->purpose != COOLSD_BONUS) {
    return fail(COOLSD_INVALID_ARGUMENT, "args.purpose is %d, it must be COOLSD_DRAFT or COOLSD_BONUS", args->purpose);
  }
  COOLSD_REQUIRE(args->seeds);
  COOLSD_REQUIRE(args->positions);
  COOLSD_REQUIRE(args->tokens);
  COOLSD_REQUIRE(args->status);
  if (verifier->cuda != nullptr) return verifier->cuda->sample(*args);
  for (int32_t b = 0; b < args->batch; ++b) verifier->cpu->sample(*args, b);
  return COOLSD_OK;
}
