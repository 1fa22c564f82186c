/* The C ABI: arguments checked, then handed to the backend. No exception leaves it. */
#include <exception>
#include <memory>
#include <new>

#include "arguments.h"
#include "common/philox.h"
#include "coolsd.h"
#include "coolsd_version.h"
#include "cuda/cuda_verifier.h"
#include "error.h"
#include "grown.h"
#include "simd/simd.h"
#include "step.h"

using coolsd::fail;

/* One of the two backends, and what its calls are checked against. */
struct coolsd_verifier {
  coolsd_verifier_spec spec; /* its pointers are for asking whether they are NULL, but for lantern */
  coolsd_lantern lantern;
  std::unique_ptr<coolsd::CpuVerifier> cpu;
  std::unique_ptr<coolsd::CudaVerifier> cuda;
};

namespace {

#define COOLSD_REQUIRE(pointer) \
  if ((pointer) == nullptr) return fail(COOLSD_INVALID_ARGUMENT, #pointer " is NULL")
#define COOLSD_TRY(call) \
  if (coolsd_status tried = (call); tried != COOLSD_OK) return tried

/* What a function of the ABI does, with a status for whatever it throws. */
template <typename Body>
coolsd_status guarded(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(COOLSD_OUT_OF_MEMORY, "no memory");
  } catch (const std::exception& unexpected) {
    return fail(COOLSD_DEVICE_FAILED, "unexpected failure: %s", unexpected.what());
  } catch (...) {
    return fail(COOLSD_DEVICE_FAILED, "unexpected failure");
  }
}

}  // namespace

int32_t coolsd_version(void) { return COOLSD_VERSION; }

uint64_t coolsd_step_seed(uint64_t seed, uint64_t position) { return coolsd::step_seed(seed, position); }

const char* coolsd_simd(void) { return coolsd::simd::target(); }

coolsd_status coolsd_backend_status(int32_t backend) {
  return guarded([&] {
    switch (backend) {
      case COOLSD_CPU:
        return COOLSD_OK;
      case COOLSD_CUDA:
        if (const char* why = coolsd::Device::why_not(); why != nullptr) return fail(COOLSD_NO_BACKEND, "%s", why);
        return COOLSD_OK;
      default:
        return fail(COOLSD_INVALID_ARGUMENT, "backend is %d, not a coolsd_backend", backend);
    }
  });
}

void coolsd_sampling_init(coolsd_sampling* sampling) {
  if (sampling != nullptr) *sampling = {sizeof *sampling, 1, 1, 0, 1, 0, 0};
}

coolsd_status coolsd_verifier_create(const coolsd_verifier_spec* spec, coolsd_verifier** out) {
  COOLSD_REQUIRE(spec);
  COOLSD_REQUIRE(out);
  *out = nullptr;
  return guarded([&] {
    auto made = std::make_unique<coolsd_verifier>();
    coolsd_verifier_spec& own = made->spec;
    COOLSD_TRY(coolsd::grown(spec, "spec", own));
    if (own.lantern != nullptr) {
      COOLSD_TRY(coolsd::grown(own.lantern, "spec.lantern", made->lantern));
      own.lantern = &made->lantern;
    }
    COOLSD_TRY(coolsd_backend_status(own.backend));
    COOLSD_TRY(coolsd::check(own));
    if (own.backend == COOLSD_CPU) {
      made->cpu = std::make_unique<coolsd::CpuVerifier>(own);
    } else {
      const char* error = nullptr;
      auto device = coolsd::Device::open(own.device, &error);
      if (device == nullptr) return fail(COOLSD_NO_BACKEND, "spec.device is %d: %s", own.device, error);
      made->cuda = std::make_unique<coolsd::CudaVerifier>(own, std::move(device));
      COOLSD_TRY(made->cuda->prepare());
    }
    *out = made.release();
    return COOLSD_OK;
  });
}

void coolsd_verifier_destroy(coolsd_verifier* verifier) { delete verifier; }

coolsd_status coolsd_verifier_reserve(coolsd_verifier* verifier, int32_t batch, size_t* bytes) {
  COOLSD_REQUIRE(verifier);
  if (batch < 1) return fail(COOLSD_INVALID_ARGUMENT, "batch is %d, it must be at least 1", batch);
  return guarded([&] {
    if (verifier->cuda != nullptr) COOLSD_TRY(verifier->cuda->reserve(batch));
    if (bytes != nullptr) *bytes = verifier->cuda == nullptr ? 0 : verifier->cuda->reserved_bytes();
    return COOLSD_OK;
  });
}

coolsd_status coolsd_host_register(coolsd_verifier* verifier, void* memory, size_t bytes) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(memory);
  return guarded([&] { return verifier->cuda == nullptr ? COOLSD_OK : verifier->cuda->register_host(memory, bytes); });
}

coolsd_status coolsd_host_unregister(coolsd_verifier* verifier, void* memory) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(memory);
  return guarded([&] { return verifier->cuda == nullptr ? COOLSD_OK : verifier->cuda->unregister_host(memory); });
}

coolsd_status coolsd_synchronize(coolsd_verifier* verifier, void* stream) {
  COOLSD_REQUIRE(verifier);
  return guarded([&] { return verifier->cuda == nullptr ? COOLSD_OK : verifier->cuda->synchronize(stream); });
}

coolsd_status coolsd_verify(coolsd_verifier* verifier, const coolsd_verify_args* args) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(args);
  return guarded([&] {
    coolsd_verify_args own;
    COOLSD_TRY(coolsd::grown(args, "args", own));
    COOLSD_TRY(coolsd::check(own, verifier->spec));
    if (verifier->cuda != nullptr) return verifier->cuda->verify(own);
    for (int32_t b = 0; b < own.batch; ++b) verifier->cpu->verify(own, b);
    return COOLSD_OK;
  });
}

coolsd_status coolsd_sample(coolsd_verifier* verifier, const coolsd_sample_args* args) {
  COOLSD_REQUIRE(verifier);
  COOLSD_REQUIRE(args);
  return guarded([&] {
    coolsd_sample_args own;
    COOLSD_TRY(coolsd::grown(args, "args", own));
    COOLSD_TRY(coolsd::check(own, verifier->spec));
    if (verifier->cuda != nullptr) return verifier->cuda->sample(own);
    for (int32_t b = 0; b < own.batch; ++b) verifier->cpu->sample(own, b);
    return COOLSD_OK;
  });
}
