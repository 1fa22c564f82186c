#include "cuda_verifier.h"

#include <algorithm>

#include "error.h"

namespace coolsd {

namespace {

constexpr double kLog2E = 1.4426950408889634;

LawParameters law_parameters(const coolsd_sampling& s, int32_t vocab) {
  LawParameters l{};
  l.greedy = s.temperature == 0;
  /* Beyond f32 the exponentials are 0 or 1 anyway; infinity times 0 would not be. */
  l.scale = l.greedy ? 0 : std::min(kLog2E / static_cast<double>(s.temperature), 1e38);
  l.guidance = s.guidance;
  l.lo = s.window_lo;
  l.hi = s.window_hi == 0 ? vocab : s.window_hi;
  const int32_t n = l.hi - l.lo;
  l.top_k = s.top_k == 0 ? n : std::min(s.top_k, n);
  l.top_p = static_cast<double>(s.top_p);
  l.cut = !l.greedy && (l.top_k < n || l.top_p < 1);
  return l;
}

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

int32_t CudaVerifier::tiles() const {
  /* LANTERN's optimal residual covers tokens outside the window. */
  const int32_t whole = lantern_.optimal ? (spec_.vocab + kTile - 1) / kTile : 0;
  return std::max({target_law_.tiles(), draft_law_.tiles(), whole});
}

Workspace CudaVerifier::workspace(int32_t batch, char* base, size_t* bytes) const {
  const size_t b = static_cast<size_t>(batch), length = static_cast<size_t>(spec_.draft_length);
  const size_t rows = b * (2 * length + 1);
  const size_t tiles = static_cast<size_t>(this->tiles());
  Workspace w;
  Parts parts(base);
  /* The counters first: they are what must be zero, whatever the batch of a call. */
  parts.take(w.row_arrivals, rows);
  parts.take(w.law_arrivals, b);
  parts.take(w.residual_arrivals, b);
  const size_t cut_rows = target_law_.cut || draft_law_.cut ? rows : 0;
  parts.take(w.largest_keys, cut_rows);
  parts.take(w.counts, cut_rows * 256);
  parts.take(w.masses, cut_rows * 256);
  parts.take(w.selections, cut_rows);
  parts.take(w.decisions, b);
  parts.take(w.normalisers, rows);
  parts.take(w.cutoffs, rows);
  parts.take(w.partials, rows * tiles);
  parts.take(w.residuals, b * length * tiles);
  *bytes = parts.used();
  return w;
}

coolsd_status CudaVerifier::reserve(int32_t batch) {
  if (batch <= workspace_batch_) return COOLSD_OK;
  size_t bytes = 0;
  workspace(batch, nullptr, &bytes);
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
  const char* error = device_->register_host(memory, bytes);
  return error == nullptr ? COOLSD_OK : device_failed("host memory", error);
}

coolsd_status CudaVerifier::unregister_host(void* memory) {
  const char* error = device_->unregister_host(memory);
  return error == nullptr ? COOLSD_OK : device_failed("host memory", error);
}

coolsd_status CudaVerifier::synchronize(void* stream) {
  const char* error = device_->synchronize(stream);
  return error == nullptr ? COOLSD_OK : device_failed("stream", error);
}

coolsd_status CudaVerifier::launch(VerifyParameters& p, void* stream) {
  if (coolsd_status status = reserve(p.batch); status != COOLSD_OK) return status;
  size_t bytes;
  p.vocab = spec_.vocab;
  p.tiles = tiles();
  p.workspace = workspace(workspace_batch_, workspace_, &bytes);
  /* A warp's work is one tile: spread over all multiprocessors first, then over their warps. */
  const Device::Size size = device_->size();
  const int64_t rows = int64_t{p.batch} * (p.draft_length + 1 + (p.draft_normalisers == nullptr ? p.draft_length : 0));
  const int64_t items = rows * p.tiles;
  const int64_t spread = std::min<int64_t>(items, size.multiprocessors);
  const int64_t most = int64_t{size.multiprocessors} * size.blocks_each;
  const int64_t blocks = std::clamp<int64_t>((items + kMostWarps - 1) / kMostWarps, spread, most);
  const bool cut = p.target_law.cut || (p.draft_length > 0 && p.draft_normalisers == nullptr && p.draft_law.cut);
  if (cut) {
    const char* error = device_->cutoff(p, static_cast<int>(blocks), stream);
    if (error != nullptr) return device_failed("cutoff", error);
  }
  const char* error = device_->verify(p, static_cast<int>(blocks), stream);
  return error == nullptr ? COOLSD_OK : device_failed("verify", error);
}

coolsd_status CudaVerifier::verify(const coolsd_verify_args& a) {
  VerifyParameters p{};
  p.batch = a.batch;
  p.draft_length = spec_.draft_length;
  p.draw_purpose = COOLSD_BONUS;
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
  p.tokens = a.tokens;
  p.accepted = a.accepted;
  p.status = a.status;
  p.drift = a.drift;
  p.ratio = a.ratio;
  p.log_prob = a.log_prob;
  std::copy(omega_.begin(), omega_.end(), p.omega);
  return launch(p, a.stream);
}

coolsd_status CudaVerifier::sample(const coolsd_sample_args& a) {
  VerifyParameters p{};
  p.batch = a.batch;
  p.draw_purpose = a.purpose;
  p.target = a.logits;
  p.target_uncond = a.logits_uncond;
  p.target_law = a.purpose == COOLSD_DRAFT ? draft_law_ : target_law_;
  p.draft_law = p.target_law;
  p.seeds = a.seeds;
  p.positions = a.positions;
  p.tokens = a.tokens;
  p.status = a.status;
  p.normalisers = a.normalisers;
  return launch(p, a.stream);
}

}  // namespace coolsd
