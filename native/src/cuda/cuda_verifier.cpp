#include "cuda_verifier.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "error.h"

namespace coolsd {

namespace {

coolsd_status device_failed(const char* what, const char* words) {
  return fail(COOLSD_DEVICE_FAILED, "%s: %s", what, words);
}

/* Hands out parts of one piece of memory, each aligned to 16. */
class Parts {
 public:
  explicit Parts(char* base) : base_(base) {}

  template <typename T>
  void take(T*& part, size_t count) {
    part = reinterpret_cast<T*>(base_ + used_);
    used_ += (count * sizeof(T) + 15) / 16 * 16;
  }
  size_t used() const { return used_; }

 private:
  char* base_;
  size_t used_ = 0;
};

/* The small inputs of a call; visit(name, pointer, count) may change the pointers. */
template <typename Visit>
void for_inputs(VerifyParameters& p, Visit visit) {
  const size_t b = static_cast<size_t>(p.batch), drafted = b * static_cast<size_t>(p.draft_length);
  const bool verifies = p.accepted != nullptr;
  visit("args.seeds", p.seeds, b);
  visit("args.positions", p.positions, b);
  visit("args.draft_lengths", p.draft_lengths, b);
  visit("args.draft_tokens", p.draft_tokens, drafted);
  visit("args.omega", p.call_omega, drafted);
  visit("args.drift_budget", p.call_budget, drafted);
  visit(verifies ? "args.target_offsets" : "args.logits_offsets", p.target_offsets, b);
  visit(verifies ? "args.target_uncond_offsets" : "args.logits_uncond_offsets", p.target_uncond_offsets, b);
  visit("args.draft_offsets", p.draft_offsets, b);
  visit("args.draft_uncond_offsets", p.draft_uncond_offsets, b);
  visit(verifies ? "args.target_sampling" : "args.sampling", p.target_samplings, b);
  visit("args.draft_sampling", p.draft_samplings, b);
  visit("args.draft_normalisers", p.draft_normalisers, drafted);
}

/* Offsets of inputs that are packed: the first is not 0, which would be absent. */
class Packing {
 public:
  size_t take(size_t bytes) {
    const size_t at = used_;
    used_ += (bytes + 7) / 8 * 8;
    return at;
  }
  size_t used() const { return used_; }

 private:
  size_t used_ = 8;
};

/* Whether a factor may be above 1, which the host does not know of factors that the device has. */
bool may_relax(const float* omega, size_t count, bool readable) {
  return !readable || std::any_of(omega, omega + count, [](float x) { return x > 1; });
}

}  // namespace

CudaVerifier::CudaVerifier(const coolsd_verifier_spec& spec, std::unique_ptr<Device> device)
    : spec_(spec),
      omega_(spec.omega, spec.omega + spec.draft_length),
      lantern_spec_(spec.lantern == nullptr ? coolsd_lantern{} : *spec.lantern),
      device_(std::move(device)),
      target_law_(law_parameters(spec.target, spec.vocab)),
      draft_law_(law_parameters(spec.draft, spec.vocab)),
      lantern_{} {}

CudaVerifier::~CudaVerifier() {
  device_->release(neighbours_);
  device_->release(workspace_);
}

coolsd_status CudaVerifier::prepare() {
  const Device::Size size = device_->size();
  if (size.multiprocessors < 1 || size.blocks_each < 1) {
    return fail(COOLSD_NO_BACKEND,
                "spec.device is %d: it has %d multiprocessors with room for %d blocks of %d threads each, and the "
                "kernels need one of both",
                spec_.device, size.multiprocessors, size.blocks_each, 32 * kMostWarps);
  }
  if (spec_.lantern != nullptr) {
    const size_t bytes = sizeof(int32_t) * static_cast<size_t>(spec_.vocab) * static_cast<size_t>(lantern_spec_.k);
    const char* error = device_->allocate(bytes, &neighbours_);
    if (error == nullptr) error = device_->upload(neighbours_, lantern_spec_.neighbours, bytes);
    if (error != nullptr) return device_failed("spec.lantern.neighbours", error);
    lantern_ = {static_cast<const int32_t*>(neighbours_), static_cast<double>(lantern_spec_.bound), lantern_spec_.k,
                lantern_spec_.rule == COOLSD_LANTERN_PLUS_PLUS, lantern_spec_.residual == COOLSD_RESIDUAL_OPTIMAL};
  }
  return reserve(1);
}

size_t CudaVerifier::most_input_bytes(int32_t batch) const {
  VerifyParameters p{};
  p.batch = batch;
  p.draft_length = spec_.draft_length;
  Packing packing;
  for_inputs(p, [&](const char*, auto* pointer, size_t count) { packing.take(count * sizeof *pointer); });
  return packing.used();
}

Workspace CudaVerifier::workspace(int32_t batch, char* base, char** inputs, size_t* bytes) const {
  const size_t b = static_cast<size_t>(batch), length = static_cast<size_t>(spec_.draft_length);
  const size_t drafted = b * length, target_rows = b * (length + 1), rows = target_rows + drafted;
  /* A call may have windows and cut-offs of its own. */
  const size_t tiles = static_cast<size_t>(most_tiles());
  const bool block = spec_.rule == COOLSD_RULE_BLOCK;
  Workspace w;
  Parts parts(base);
  /* The counters first: they are what must be zero, whatever the batch of a call. */
  parts.take(w.row_arrivals, rows);
  parts.take(w.law_arrivals, b);
  parts.take(w.residual_arrivals, b);
  parts.take(w.largest_keys, rows);
  parts.take(w.counts, rows * 256);
  parts.take(w.masses, rows * 256);
  parts.take(w.bins, spec_.factors == COOLSD_FACTORS_BUDGET ? drafted * kFixedBins : 0);
  parts.take(w.selections, rows);
  parts.take(w.decisions, b);
  parts.take(w.normalisers, rows);
  parts.take(w.cutoffs, rows);
  parts.take(w.partials, rows * tiles);
  parts.take(w.residuals, drafted * tiles);
  parts.take(w.entropies, spec_.factors == COOLSD_FACTORS_ENTROPY ? target_rows * tiles : 0);
  parts.take(w.factors, drafted);
  parts.take(w.carried, block ? target_rows : 0);
  parts.take(w.left, block ? drafted : 0);
  parts.take(w.accepted, block ? drafted * tiles : 0);
  parts.take(w.wanted, 3 * b);
  parts.take(*inputs, most_input_bytes(batch));
  *bytes = parts.used();
  return w;
}

coolsd_status CudaVerifier::reserve(int32_t batch) {
  if (batch <= workspace_batch_) return COOLSD_OK;
  size_t bytes = 0;
  char* inputs = nullptr;
  workspace(batch, nullptr, &inputs, &bytes);
  staging_.reserve(most_input_bytes(batch));
  void* memory = nullptr;
  const char* error = device_->allocate(bytes, &memory);
  if (error == nullptr) error = device_->zero(memory, bytes);
  if (error != nullptr) {
    device_->release(memory);
    return fail(COOLSD_OUT_OF_MEMORY, "workspace of %zu bytes for a batch of %d: %s", bytes, batch, error);
  }
  device_->release(workspace_);
  workspace_ = static_cast<char*>(memory);
  workspace_bytes_ = bytes;
  workspace_batch_ = batch;
  return COOLSD_OK;
}

coolsd_status CudaVerifier::register_host(void* memory, size_t bytes) {
  usable_.fill(nullptr);
  const char* error = device_->register_host(memory, bytes);
  return error == nullptr ? COOLSD_OK : device_failed("host memory", error);
}

coolsd_status CudaVerifier::unregister_host(void* memory) {
  usable_.fill(nullptr);
  const char* error = device_->unregister_host(memory);
  return error == nullptr ? COOLSD_OK : device_failed("host memory", error);
}

coolsd_status CudaVerifier::synchronize(void* stream) {
  const char* error = device_->synchronize(stream);
  return error == nullptr ? COOLSD_OK : device_failed("stream", error);
}

/*
 * Kernels that touch host memory take the whole process's context down with them: it is refused before. Asking CUDA
 * costs up to a microsecond an address, so the answers are kept; memory that is freed and comes again as another kind
 * under the same address is not noticed.
 */
coolsd_status CudaVerifier::check_memory(const char* name, const void* memory, size_t alignment) {
  if (memory == nullptr) return COOLSD_OK;
  const auto address = reinterpret_cast<uintptr_t>(memory);
  if (address % alignment != 0) {
    return fail(COOLSD_INVALID_ARGUMENT, "%s is %p, it must be aligned to its element of %zu bytes", name, memory,
                alignment);
  }
  const void*& known = usable_[(address >> 4 ^ address >> 12) % usable_.size()];
  if (known == memory) return COOLSD_OK;
  if (const char* words = device_->usable(memory); words != nullptr) {
    return fail(COOLSD_INVALID_ARGUMENT,
                "%s is %p, which the device cannot use: %s; give device memory, or register it with "
                "coolsd_host_register",
                name, memory, words);
  }
  known = memory;
  return COOLSD_OK;
}

coolsd_status CudaVerifier::check_rows(const char* name, const coolsd_logits& rows) {
  return check_memory(name, rows.data, rows.dtype == COOLSD_F32 ? 4 : 2);
}

void CudaVerifier::measure(VerifyParameters& p, bool inputs_on_host) const {
  const bool draft_rows = p.draft_length > 0 && p.draft_normalisers == nullptr;
  int32_t tiles = lantern_.optimal ? most_tiles() : 1; /* LANTERN's optimal residual covers tokens outside the window */
  const auto add = [&](const LawParameters& l, bool reduced) {
    tiles = std::max(tiles, l.tiles());
    p.cut_k |= reduced && l.cut && l.top_k < l.hi - l.lo;
    p.cut_p |= reduced && l.cut && l.top_p < 1;
  };
  const auto add_all = [&](const coolsd_sampling* samplings, const LawParameters& otherwise, bool reduced) {
    if (samplings == nullptr) {
      add(otherwise, reduced);
    } else if (!inputs_on_host) {
      tiles = most_tiles();
      p.cut_k |= reduced;
      p.cut_p |= reduced;
    } else {
      for (int32_t b = 0; b < p.batch; ++b) {
        if (sampling_fault(samplings[b], spec_.vocab) != SamplingFault::kNone) continue;
        add(law_parameters(samplings[b], spec_.vocab), reduced);
      }
    }
  };
  add_all(p.target_samplings, p.target_law, true);
  if (p.draft_length > 0) add_all(p.draft_samplings, p.draft_law, draft_rows);
  p.tiles = tiles;
}

/* Inputs from the host: into the parameters, or if they are too many into the workspace. */
coolsd_status CudaVerifier::pack(VerifyParameters& p, void* stream) {
  bool captured = false;
  if (const char* error = device_->captured(stream, &captured); error != nullptr) return device_failed("stream", error);
  if (captured) {
    return fail(
        COOLSD_INVALID_ARGUMENT,
        "args.inputs_on_host is 1 in a stream that a graph captures: every replay would have this call's seeds; "
        "give inputs that the device reads");
  }
  Packing packing;
  for_inputs(p, [&](const char*, auto* pointer, size_t count) {
    if (pointer != nullptr) packing.take(count * sizeof *pointer);
  });
  const bool fits = packing.used() <= kPackedBytes;
  size_t bytes;
  char* on_device = nullptr;
  workspace(workspace_batch_, workspace_, &on_device, &bytes);
  if (!fits) staging_.resize(packing.used());
  char* to = fits ? p.packed : staging_.data();
  const char* base = fits ? nullptr : on_device;
  Packing again;
  for_inputs(p, [&](const char*, auto*& pointer, size_t count) {
    if (pointer == nullptr) return;
    const size_t at = again.take(count * sizeof *pointer);
    std::memcpy(to + at, pointer, count * sizeof *pointer);
    pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(reinterpret_cast<uintptr_t>(base) + at);
  });
  if (fits) return COOLSD_OK;
  const char* error = device_->queue_upload(on_device, to, packing.used(), stream);
  return error == nullptr ? COOLSD_OK : device_failed("inputs", error);
}

coolsd_status CudaVerifier::launch(VerifyParameters& p, bool inputs_on_host, void* stream) {
  coolsd_status status = COOLSD_OK;
  const auto check = [&](const char* name, const void* memory, size_t alignment) {
    if (status == COOLSD_OK) status = check_memory(name, memory, alignment);
  };
  if (!inputs_on_host) {
    for_inputs(p, [&](const char* name, auto* pointer, size_t) { check(name, pointer, alignof(decltype(*pointer))); });
  }
  check("args.tokens", p.tokens, alignof(int32_t));
  check("args.accepted", p.accepted, alignof(int32_t));
  check("args.status", p.status, alignof(int32_t));
  check("args.drift", p.drift, alignof(double));
  check("args.ratio", p.ratio, alignof(double));
  check("args.log_prob", p.log_prob, alignof(double));
  check("args.factors", p.factors, alignof(float));
  check("args.normalisers", p.normalisers, alignof(coolsd_normaliser));
  if (status != COOLSD_OK) return status;
  if (status = reserve(p.batch); status != COOLSD_OK) return status;
  size_t bytes;
  char* inputs = nullptr;
  p.vocab = spec_.vocab;
  measure(p, inputs_on_host);
  p.workspace = workspace(workspace_batch_, workspace_, &inputs, &bytes);
  if (inputs_on_host) {
    if (status = pack(p, stream); status != COOLSD_OK) return status;
  }
  /* A warp's work is one tile: spread over all multiprocessors first, then over their warps. */
  const Device::Size size = device_->size();
  const int64_t rows = int64_t{p.batch} * (p.draft_length + 1 + (p.draft_normalisers == nullptr ? p.draft_length : 0));
  const int64_t items = rows * p.tiles;
  if (items > INT32_MAX) {
    return fail(COOLSD_INVALID_ARGUMENT, "args.batch is %d: %lld rows of %d tiles are more than 2147483647 tiles",
                p.batch, static_cast<long long>(rows), p.tiles);
  }
  const int64_t spread = std::min<int64_t>(items, size.multiprocessors);
  const int64_t most = int64_t{size.multiprocessors} * size.blocks_each;
  const int64_t blocks = std::clamp<int64_t>((items + kMostWarps - 1) / kMostWarps, spread, most);
  if (p.cut_k || p.cut_p) {
    const char* error = device_->cutoff(p, static_cast<int>(blocks), stream);
    if (error != nullptr) return device_failed("cutoff", error);
  }
  const char* error = device_->verify(p, static_cast<int>(blocks), stream);
  return error == nullptr ? COOLSD_OK : device_failed(p.staged() ? "verify_staged" : "verify", error);
}

coolsd_status CudaVerifier::verify(const coolsd_verify_args& a) {
  VerifyParameters p{};
  p.batch = a.batch;
  p.draft_length = spec_.draft_length;
  p.draw_purpose = COOLSD_BONUS;
  p.rule = spec_.rule;
  p.factor_policy = spec_.factors;
  p.affine = spec_.affine;
  p.drift_budget = spec_.drift_budget;
  p.target = a.target;
  p.target_uncond = a.target_uncond;
  p.draft = a.draft;
  p.draft_uncond = a.draft_uncond;
  p.target_law = target_law_;
  p.draft_law = draft_law_;
  p.lantern = lantern_;
  p.draft_tokens = a.draft_tokens;
  p.draft_lengths = a.draft_lengths;
  p.seeds = a.seeds;
  p.positions = a.positions;
  p.draft_normalisers = a.draft_normalisers;
  p.call_omega = a.omega;
  p.call_budget = a.drift_budget;
  p.target_samplings = a.target_sampling;
  p.draft_samplings = a.draft_sampling;
  p.target_offsets = a.target_offsets;
  p.target_uncond_offsets = a.target_uncond_offsets;
  p.draft_offsets = a.draft_offsets;
  p.draft_uncond_offsets = a.draft_uncond_offsets;
  p.tokens = a.tokens;
  p.accepted = a.accepted;
  p.status = a.status;
  p.drift = a.drift;
  p.ratio = a.ratio;
  p.log_prob = a.log_prob;
  p.factors = a.factors;
  std::copy(omega_.begin(), omega_.end(), p.omega);
  const bool on_host = a.inputs_on_host != 0;
  const size_t drafted = static_cast<size_t>(a.batch) * omega_.size();
  p.relaxes = a.omega == nullptr ? may_relax(omega_.data(), omega_.size(), true) : may_relax(a.omega, drafted, on_host);
  for (const auto& [name, rows] : {std::pair<const char*, const coolsd_logits*>{"args.target.data", &a.target},
                                   {"args.target_uncond.data", &a.target_uncond},
                                   {"args.draft.data", &a.draft},
                                   {"args.draft_uncond.data", &a.draft_uncond}}) {
    if (coolsd_status status = check_rows(name, *rows); status != COOLSD_OK) return status;
  }
  return launch(p, on_host, a.stream);
}

coolsd_status CudaVerifier::sample(const coolsd_sample_args& a) {
  VerifyParameters p{};
  p.batch = a.batch;
  p.draw_purpose = a.purpose;
  p.rule = COOLSD_RULE_RELAXED;
  p.target = a.logits;
  p.target_uncond = a.logits_uncond;
  p.target_law = a.purpose == COOLSD_DRAFT ? draft_law_ : target_law_;
  p.draft_law = p.target_law;
  p.seeds = a.seeds;
  p.positions = a.positions;
  p.target_samplings = a.sampling;
  p.target_offsets = a.logits_offsets;
  p.target_uncond_offsets = a.logits_uncond_offsets;
  p.tokens = a.tokens;
  p.status = a.status;
  p.normalisers = a.normalisers;
  p.log_prob = a.log_prob;
  for (const auto& [name, rows] : {std::pair<const char*, const coolsd_logits*>{"args.logits.data", &a.logits},
                                   {"args.logits_uncond.data", &a.logits_uncond}}) {
    if (coolsd_status status = check_rows(name, *rows); status != COOLSD_OK) return status;
  }
  return launch(p, a.inputs_on_host != 0, a.stream);
}

}  // namespace coolsd
