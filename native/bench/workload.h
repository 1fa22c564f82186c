/* A decoding step to measure: logits, a sampled draft, and seeds that change so that every position is rejected. */
#ifndef COOLSD_NATIVE_BENCH_WORKLOAD_H
#define COOLSD_NATIVE_BENCH_WORKLOAD_H

#include <hwy/aligned_allocator.h>

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
  coolsd_rule rule = COOLSD_RULE_RELAXED;
  bool lossless = false; /* every omega 1 */
  float budget = -1;     /* of drift of every position, up to a factor of 4; below 0 the schedule */
};

/*
 * Draft length 5, COOL-SD's exponential schedule at delta 1.1; target logits normal with deviation 2, the draft's those
 * plus a normal of deviation 1, all rounded to what every element type can hold: decisions are the same in each.
 */
class Workload {
 public:
  static constexpr int32_t kLength = 5;
  static constexpr size_t kDrafts = 16;

  explicit Workload(const Shape& shape);
  ~Workload();
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  /* One verification of the next of kDrafts drafts under seeds not used before; what was accepted of each sequence. */
  const std::vector<int32_t>& verify();

  /* Reads what such a verification, token by token, needs once: visited target rows, and after a rejection its draft
   * and target row. */
  uint64_t read(const std::vector<int32_t>& accepted) const;

  /* The bytes that read() reads. */
  int64_t bytes(const std::vector<int32_t>& accepted) const;

 private:
  using Memory = hwy::AlignedFreeUniquePtr<char[]>;

  template <typename Visit>
  void each_needed_row(const std::vector<int32_t>& accepted, Visit visit) const;

  coolsd_logits view(const Memory& memory, int32_t rows) const;
  void fill();
  void draft(size_t which);

  /* What a drafter made. */
  struct Draft {
    std::vector<int32_t> tokens;
    std::vector<coolsd_normaliser> normalisers;
  };

  Shape shape_;
  Memory target_, target_uncond_, draft_, draft_uncond_;
  std::vector<Draft> drafts_;
  size_t turn_ = 0;
  std::vector<int32_t> tokens_, accepted_, status_;
  std::vector<uint64_t> seeds_, positions_;
  coolsd_verifier* verifier_ = nullptr;
  coolsd_verify_args args_{};
};

}  // namespace coolsd::bench

#endif
