/* Decoding steps on a device: parameters, workspace and grid of each launch. */
#ifndef COOLSD_NATIVE_CUDA_CUDA_VERIFIER_H
#define COOLSD_NATIVE_CUDA_CUDA_VERIFIER_H

#include <array>
#include <memory>
#include <vector>

#include "coolsd.h"
#include "device.h"

namespace coolsd {

class CudaVerifier {
 public:
  /* The specification is checked. */
  CudaVerifier(const coolsd_verifier_spec& spec, std::unique_ptr<Device> device);
  ~CudaVerifier();
  CudaVerifier(const CudaVerifier&) = delete;
  CudaVerifier& operator=(const CudaVerifier&) = delete;

  /* What must succeed once before the first step. */
  coolsd_status prepare();
  /* Workspace for `batch` sequences at least; waits for the device if it has to grow. */
  coolsd_status reserve(int32_t batch);
  size_t reserved_bytes() const { return workspace_bytes_; }

  /* As in coolsd.h. */
  coolsd_status register_host(void* memory, size_t bytes);
  coolsd_status unregister_host(void* memory);
  coolsd_status synchronize(void* stream);

  coolsd_status verify(const coolsd_verify_args& args);
  coolsd_status sample(const coolsd_sample_args& args);

 private:
  coolsd_status launch(VerifyParameters& parameters, bool inputs_on_host, void* stream);
  /* Tiles of the widest window and what is cut off, of the call's own samplings. */
  void measure(VerifyParameters& parameters, bool inputs_on_host) const;
  coolsd_status pack(VerifyParameters& parameters, void* stream);
  coolsd_status check_memory(const char* name, const void* memory, size_t alignment);
  coolsd_status check_rows(const char* name, const coolsd_logits& rows);
  int32_t most_tiles() const { return (spec_.vocab + kTile - 1) / kTile; }
  Workspace workspace(int32_t batch, char* base, char** inputs, size_t* bytes) const;
  size_t most_input_bytes(int32_t batch) const;

  coolsd_verifier_spec spec_;
  std::vector<float> omega_;
  coolsd_lantern lantern_spec_;
  std::unique_ptr<Device> device_;
  LawParameters target_law_, draft_law_;
  LanternParameters lantern_;
  void* neighbours_ = nullptr;
  char* workspace_ = nullptr;
  size_t workspace_bytes_ = 0;
  int32_t workspace_batch_ = 0;
  std::vector<char> staging_; /* inputs on their way to the workspace */
  /* Addresses that kernels can use, by a few of their bits: CUDA is asked once for each. */
  std::array<const void*, 64> usable_{};
};

}  // namespace coolsd

#endif
