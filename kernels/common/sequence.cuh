/* One sequence of the batch: its small inputs, and where its rows are. */
#ifndef COOLSD_KERNELS_COMMON_SEQUENCE_CUH
#define COOLSD_KERNELS_COMMON_SEQUENCE_CUH

#include "law.cuh"
#include "number.h"
#include "parameters.h"
#include "philox.h"
#include "row.cuh"
#include "sampling.h"

namespace coolsd {

/* A value of the small inputs, which are in the parameters or in memory. */
template <typename T>
__device__ __forceinline__ T load_input(const VerifyParameters& a, const T* p) {
  return load_input(a.packed, p);
}

/* The same for a whole warp: one lane reads. */
template <typename T>
__device__ __forceinline__ T load_input_once(const VerifyParameters& a, const T* p) {
  T v = 0;
  if (lane_id() == 0) v = load_input(a, p);
  return broadcast(v);
}

struct Sequence {
  int b;
  int length; /* of its draft; 0 where status is not OK */
  int status; /* DRAFT_LENGTH or SAMPLING: nothing else of it is read */
  LawParameters target, draft;
  /* Where its rows begin; NULL where there are none. */
  const char *target_rows, *target_uncond_rows, *draft_rows, *draft_uncond_rows;
};

/* For a whole warp: each lane reads a word. */
__device__ __forceinline__ LawParameters law_at(const VerifyParameters& a, const coolsd_sampling* samplings,
                                                const LawParameters& otherwise, int b, int* status) {
  if (samplings == nullptr) return otherwise;
  static_assert(sizeof(coolsd_sampling) == 32, "the words below");
  int word = 0;
  if (lane_id() < 8) word = load_input(a, reinterpret_cast<const int*>(samplings + b) + lane_id());
  const auto integer = [&](int at) { return __shfl_sync(kAllLanes, word, at); };
  const auto real = [&](int at) { return __int_as_float(integer(at)); };
  const int low = integer(0), high = integer(1);
  const coolsd_sampling s = {high == 0 ? static_cast<size_t>(static_cast<unsigned>(low)) : 0,
                             real(2),
                             real(3),
                             integer(4),
                             real(5),
                             integer(6),
                             integer(7)};
  if (sampling_fault(s, a.vocab) == SamplingFault::kNone) return law_parameters(s, a.vocab);
  *status = COOLSD_ROW_SAMPLING;
  return otherwise;
}

/* Where a sequence's first row is. */
__device__ __forceinline__ const char* rows_at(const VerifyParameters& a, const coolsd_logits& l,
                                               const int64_t* offsets, int b) {
  if (l.data == nullptr) return nullptr;
  const int64_t from = offsets == nullptr ? b * l.batch_stride : load_input(a, offsets + b);
  return static_cast<const char*>(l.data) + from * element_size(l.dtype);
}

/* For a whole warp. */
__device__ __forceinline__ Sequence sequence(const VerifyParameters& a, int b) {
  Sequence s;
  s.b = b;
  s.status = COOLSD_ROW_OK;
  s.target = law_at(a, a.target_samplings, a.target_law, b, &s.status);
  s.draft = law_at(a, a.draft_samplings, a.draft_law, b, &s.status);
  s.length = a.draft_lengths == nullptr ? a.draft_length : load_input_once(a, a.draft_lengths + b);
  if (s.length < 0 || s.length > a.draft_length) s.status = COOLSD_ROW_DRAFT_LENGTH;
  if (s.status != COOLSD_ROW_OK) s.length = 0;
  s.target_rows = rows_at(a, a.target, a.target_offsets, b);
  s.target_uncond_rows = rows_at(a, a.target_uncond, a.target_uncond_offsets, b);
  s.draft_rows = rows_at(a, a.draft, a.draft_offsets, b);
  s.draft_uncond_rows = rows_at(a, a.draft_uncond, a.draft_uncond_offsets, b);
  return s;
}

__device__ __forceinline__ int target_row(const VerifyParameters& a, int b, int i) {
  return b * (a.draft_length + 1) + i;
}
__device__ __forceinline__ int draft_row(const VerifyParameters& a, int b, int i) {
  return a.batch * (a.draft_length + 1) + b * a.draft_length + i;
}

/* A row, the i-th from where a sequence's begin. */
__device__ __forceinline__ const char* row_at(const char* rows, const coolsd_logits& l, int i) {
  return rows == nullptr ? nullptr : rows + i * l.row_stride * element_size(l.dtype);
}
__device__ __forceinline__ RowView target_view(const VerifyParameters& a, const Sequence& s, int i) {
  return {row_at(s.target_rows, a.target, i), row_at(s.target_uncond_rows, a.target_uncond, i), a.target.dtype,
          s.target.guidance};
}
__device__ __forceinline__ RowView draft_view(const VerifyParameters& a, const Sequence& s, int i) {
  return {row_at(s.draft_rows, a.draft, i), row_at(s.draft_uncond_rows, a.draft_uncond, i), a.draft.dtype,
          s.draft.guidance};
}

__device__ __forceinline__ int draft_token(const VerifyParameters& a, const Sequence& s, int i) {
  return load_input(a, a.draft_tokens + static_cast<int64_t>(s.b) * a.draft_length + i);
}

/* The factor that the caller gives, or what bounds or scales the one that is found. */
__device__ __forceinline__ float given_omega(const VerifyParameters& a, const Sequence& s, int i) {
  if (a.call_omega == nullptr) return a.omega[i];
  return load_input(a, a.call_omega + static_cast<int64_t>(s.b) * a.draft_length + i);
}
__device__ __forceinline__ float given_budget(const VerifyParameters& a, const Sequence& s, int i) {
  if (a.call_budget == nullptr) return a.drift_budget;
  return load_input(a, a.call_budget + static_cast<int64_t>(s.b) * a.draft_length + i);
}

__device__ __forceinline__ double uniform_at(const VerifyParameters& a, const Sequence& s, int i, int purpose) {
  return uniform(load_input(a, a.seeds + s.b), load_input(a, a.positions + s.b) + static_cast<uint64_t>(i),
                 static_cast<uint32_t>(purpose));
}

}  // namespace coolsd

#endif
