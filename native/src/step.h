/* Decoding steps on the CPU. */
#ifndef COOLSD_NATIVE_STEP_H
#define COOLSD_NATIVE_STEP_H

#include <memory>
#include <vector>

#include "lantern.h"
#include "position.h"

namespace coolsd {

/* What a verifier keeps on the CPU: no call allocates. */
class CpuVerifier {
 public:
  /* The specification is checked. */
  explicit CpuVerifier(const coolsd_verifier_spec& spec);

  /* Sequence b of a checked call. */
  void verify(const coolsd_verify_args& args, int32_t b);

  /* Row b of a checked call. */
  void sample(const coolsd_sample_args& args, int32_t b);

 private:
  coolsd_verifier_spec spec_;
  std::vector<float> omega_;
  std::unique_ptr<Lantern> lantern_;
  Scratch scratch_;
  std::vector<Position> positions_; /* of a block all at once, else one */
};

}  // namespace coolsd

#endif
