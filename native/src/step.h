/* One decoding step of one sequence on the CPU. */
#ifndef COOLSD_NATIVE_STEP_H
#define COOLSD_NATIVE_STEP_H

#include <memory>
#include <vector>

#include "lantern.h"
#include "law.h"

namespace coolsd {

/* What a verifier keeps on the CPU. */
class CpuVerifier {
 public:
  explicit CpuVerifier(const coolsd_verifier_spec& spec);

  /* Sequence b of a checked call. Rows are read in order, and nothing after the first rejection. */
  void verify(const coolsd_verify_args& args, int32_t b);

  /* Row b of a checked call. */
  void sample(const coolsd_sample_args& args, int32_t b);

 private:
  coolsd_row_status step(const coolsd_verify_args& args, int32_t b, int32_t length, int32_t* tokens);

  coolsd_verifier_spec spec_;
  std::vector<float> omega_;
  std::unique_ptr<Lantern> lantern_;
  Scratch scratch_;
  Law p_, q_;
};

}  // namespace coolsd

#endif
