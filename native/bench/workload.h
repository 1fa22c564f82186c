/* A decoding step to measure: logits, a sampled draft, and seeds that change so that every position is rejected. */
#ifndef COOLSD_NATIVE_BENCH_WORKLOAD_H
#define COOLSD_NATIVE_BENCH_WORKLOAD_H

#include <cstdint>
#include <vector>

#include "coolsd.h"

namespace coolsd::bench {

struct Shape {
  int32_t vocab;
  int32_t dtype = COOLSD_F32;
  int32_t batch = 1;
  bool normalisers = true; /* given to verify, as sample() found them */
  bool guided = false;
  int32_t top_k = 0;
};

/*
 * Draft length 5, COOL-SD's exponential schedule at delta 1.1; target logits normal with deviation 2, the draft's those
 * plus a normal of deviation 1.
 */
class Workload {
 public:
  static constexpr int32_t kLength = 5;

  explicit Workload(const Shape& shape);
  ~Workload();
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  /* One verification under seeds not used before; what was accepted of each sequence. */
  const std::vector<int32_t>& verify();

  /* Reads what such a verification needs once: visited target rows, and after a rejection its draft and target row. */
  uint64_t read(const std::vector<int32_t>& accepted) const;

  /* The bytes that read() reads. */
  int64_t bytes(const std::vector<int32_t>& accepted) const;

 private:
  template <typename Visit>
  void each_needed_row(const std::vector<int32_t>& accepted, Visit visit) const;

  void draft();

  Shape shape_;
  std::vector<char> target_, target_uncond_, draft_, draft_uncond_;
  std::vector<int32_t> drafted_, tokens_, accepted_, status_;
  std::vector<coolsd_normaliser> normalisers_;
  std::vector<uint64_t> seeds_, positions_;
  coolsd_verifier* verifier_ = nullptr;
  coolsd_verify_args args_{};
};

}  // namespace coolsd::bench

#endif
