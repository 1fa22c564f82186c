/* The CUDA backend's device, executed on the CPU by the SIMT executor. */
#ifndef COOLSD_SIMT_SIMT_DEVICE_H
#define COOLSD_SIMT_SIMT_DEVICE_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "executor.h"

namespace coolsd::simt {

/* What a launch is given beside its parameters; tests change it between calls. One thread. */
struct Setting {
  int blocks = 0;    /* 0: grid, block and schedule differ from launch to launch */
  int warps = 2;     /* of a block */
  uint64_t seed = 1; /* of the schedule */
};
extern Setting setting;

class SimtDevice : public Device {
 public:
  Size size() const override { return {4, 2}; }
  const char* allocate(size_t bytes, void** memory) override;
  void release(void* memory) override;
  const char* upload(void* to, const void* from, size_t bytes) override;
  const char* zero(void* to, size_t bytes) override;
  const char* register_host(void*, size_t) override { return nullptr; }
  const char* unregister_host(void*) override { return nullptr; }
  const char* synchronize(void*) override { return nullptr; }
  const char* cutoff(const VerifyParameters& parameters, int blocks, void* stream) override;
  /* Fails with the defect's words if the kernel breaks a rule. */
  const char* verify(const VerifyParameters& parameters, int blocks, void* stream) override;

  /* Of every launch since it was last cleared, by any device; tests read it. */
  static std::vector<Counters> log;

 private:
  const char* launch(const VerifyParameters& parameters, const Setting& now, size_t shared_bytes, bool cooperative,
                     const std::function<void()>& kernel);

  std::string found_;
};

}  // namespace coolsd::simt

#endif
