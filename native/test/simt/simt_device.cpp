#include "simt_device.h"

#include <cstring>
#include <new>
#include <string>

#include "cuda_on_cpu.h"
#include "cutoff.cu"
#include "verify.cu"
#include "verify_staged.cu"

namespace coolsd::simt {

Setting setting;
std::vector<Counters> SimtDevice::log;

namespace {

/* The setting of the next launch. */
Setting next_setting() {
  static uint64_t launches = 0;
  if (setting.blocks > 0) return setting;
  const uint64_t n = launches++;
  return {1 + static_cast<int>(n % 5), 1 + static_cast<int>(n % 3), n};
}

/* An input where the host can read it; one that travels in the parameters is an offset in them. */
template <typename T>
const T* on_host(const VerifyParameters& p, const T* input) {
  const auto address = reinterpret_cast<uintptr_t>(input);
  if (address >= kPackedBytes || address == 0) return input;
  return reinterpret_cast<const T*>(static_cast<const void*>(p.packed + address));
}

/* The laws of a sequence, as far as its inputs make sense. */
struct Window {
  int64_t lo, hi;
};
Window window_of(const VerifyParameters& p, const coolsd_sampling* samplings, const LawParameters& law, int b) {
  if (samplings == nullptr) return {law.lo, law.hi};
  const coolsd_sampling& s = on_host(p, samplings)[b];
  if (sampling_fault(s, p.vocab) != SamplingFault::kNone) return {0, 0};
  const LawParameters own = law_parameters(s, p.vocab);
  return {own.lo, own.hi};
}

/* Each row's window is a buffer of its own: what lies between rows, and behind a sequence's last, is out of bounds. */
void add_rows(Executor& executor, const char* name, const coolsd_logits& l, const int64_t* offsets,
              const coolsd_sampling* samplings, const LawParameters& law, const VerifyParameters& p, int more) {
  if (l.data == nullptr) return;
  const int64_t size = l.dtype == COOLSD_F32 ? 4 : 2;
  for (int b = 0; b < p.batch; ++b) {
    const Window window = window_of(p, samplings, law, b);
    if (window.lo == window.hi) continue;
    const int length = p.draft_lengths == nullptr ? p.draft_length : on_host(p, p.draft_lengths)[b];
    const int rows = (length < 0 || length > p.draft_length ? 0 : length) + more;
    const int64_t from = offsets == nullptr ? b * l.batch_stride : on_host(p, offsets)[b];
    for (int i = 0; i < rows; ++i) {
      const char* row = static_cast<const char*>(l.data) + (from + i * l.row_stride + window.lo) * size;
      executor.buffer(name, row, static_cast<size_t>((window.hi - window.lo) * size), Access::read);
    }
  }
}

template <typename T>
void add(Executor& executor, const char* name, T* memory, int64_t count, Access access) {
  if (reinterpret_cast<uintptr_t>(memory) >= kPackedBytes && count > 0)
    executor.buffer(name, memory, static_cast<size_t>(count) * sizeof(T), access);
}

}  // namespace

const char* SimtDevice::allocate(size_t bytes, void** memory) {
  *memory = operator new (bytes, std::align_val_t{256});
  return nullptr;
}

void SimtDevice::release(void* memory) { operator delete (memory, std::align_val_t{256}); }

const char* SimtDevice::upload(void* to, const void* from, size_t bytes) {
  std::memcpy(to, from, bytes);
  return nullptr;
}

const char* SimtDevice::zero(void* to, size_t bytes) {
  std::memset(to, 0, bytes);
  return nullptr;
}

const char* SimtDevice::cutoff(const VerifyParameters& p, int, void*) {
  const Setting now = next_setting();
  return launch(p, now, cutoff_shared_bytes(now.warps), true, [&] { coolsd::cutoff(p); });
}

const char* SimtDevice::verify(const VerifyParameters& p, int, void*) {
  const Setting now = next_setting();
  if (p.staged()) return launch(p, now, staged_shared_bytes(now.warps), true, [&] { coolsd::verify_staged(p); });
  return launch(p, now, sizeof(float) * 2 * kTileBuffer * static_cast<size_t>(now.warps), p.draft_length > 0,
                [&] { coolsd::verify(p); });
}

const char* SimtDevice::launch(const VerifyParameters& p, const Setting& now, size_t shared_bytes, bool cooperative,
                               const std::function<void()>& kernel) {
  Executor executor(now.seed);
  const int64_t batch = p.batch, length = p.draft_length, outputs = batch * (length + 1);
  const int64_t rows = batch * (2 * length + 1);
  add_rows(executor, "target", p.target, p.target_offsets, p.target_samplings, p.target_law, p, 1);
  add_rows(executor, "target", p.target_uncond, p.target_uncond_offsets, p.target_samplings, p.target_law, p, 1);
  add_rows(executor, "draft", p.draft, p.draft_offsets, p.draft_samplings, p.draft_law, p, 0);
  add_rows(executor, "draft", p.draft_uncond, p.draft_uncond_offsets, p.draft_samplings, p.draft_law, p, 0);
  add(executor, "draft_tokens", p.draft_tokens, batch * length, Access::read);
  add(executor, "draft_lengths", p.draft_lengths, batch, Access::read);
  add(executor, "seeds", p.seeds, batch, Access::read);
  add(executor, "positions", p.positions, batch, Access::read);
  add(executor, "draft_normalisers", p.draft_normalisers, batch * length, Access::read);
  add(executor, "omega", p.call_omega, batch * length, Access::read);
  add(executor, "drift_budget", p.call_budget, batch * length, Access::read);
  add(executor, "target_sampling", p.target_samplings, batch, Access::read);
  add(executor, "draft_sampling", p.draft_samplings, batch, Access::read);
  add(executor, "target_offsets", p.target_offsets, batch, Access::read);
  add(executor, "target_uncond_offsets", p.target_uncond_offsets, batch, Access::read);
  add(executor, "draft_offsets", p.draft_offsets, batch, Access::read);
  add(executor, "draft_uncond_offsets", p.draft_uncond_offsets, batch, Access::read);
  add(executor, "neighbours", p.lantern.neighbours, int64_t{p.vocab} * p.lantern.k, Access::read);
  add(executor, "tokens", p.tokens, outputs, Access::write);
  add(executor, "accepted", p.accepted, batch, Access::write);
  add(executor, "status", p.status, batch, Access::write);
  add(executor, "drift", p.drift, batch * length, Access::write);
  add(executor, "ratio", p.ratio, outputs, Access::write);
  add(executor, "log_prob", p.log_prob, outputs, Access::write);
  add(executor, "factors", p.factors, batch * length, Access::write);
  add(executor, "normalisers", p.normalisers, batch, Access::write);
  const Workspace& w = p.workspace;
  /* Nothing but the counters may be taken for known. */
  add(executor, "row_arrivals", w.row_arrivals, rows, Access::read_write);
  add(executor, "law_arrivals", w.law_arrivals, batch, Access::read_write);
  add(executor, "residual_arrivals", w.residual_arrivals, batch, Access::read_write);
  add(executor, "decisions", w.decisions, batch, Access::write);
  add(executor, "row normalisers", w.normalisers, rows, Access::write);
  /* What the launch before wrote is known. */
  const bool cut = p.cut_k || p.cut_p;
  add(executor, "cutoffs", w.cutoffs, rows, cut ? Access::read_write : Access::write);
  add(executor, "largest_keys", w.largest_keys, cut ? rows : 0, Access::read_write);
  add(executor, "counts", w.counts, cut ? rows * 256 : 0, Access::read_write);
  add(executor, "masses", w.masses, cut ? rows * 256 : 0, Access::read_write);
  add(executor, "selections", w.selections, cut ? rows : 0, Access::write);
  add(executor, "partials", w.partials, rows * p.tiles, Access::write);
  add(executor, "residuals", w.residuals, batch * length * p.tiles, Access::write);
  if (p.staged()) {
    const bool block = p.rule == COOLSD_RULE_BLOCK, entropy = p.factor_policy == COOLSD_FACTORS_ENTROPY;
    const bool budget = p.factor_policy == COOLSD_FACTORS_BUDGET;
    add(executor, "bins", w.bins, budget ? batch * length * kFixedBins : 0, Access::read_write);
    add(executor, "entropies", w.entropies, entropy ? outputs * p.tiles : 0, Access::write);
    add(executor, "found factors", w.factors, batch * length, Access::write);
    add(executor, "carried", w.carried, block ? outputs : 0, Access::write);
    add(executor, "left", w.left, block ? batch * length : 0, Access::write);
    add(executor, "accepted sums", w.accepted, block ? batch * length * p.tiles : 0, Access::write);
    add(executor, "wanted", w.wanted, 3 * batch, Access::write);
  }
  LaunchShape shape;
  shape.grid = dim3(static_cast<unsigned>(now.blocks));
  shape.block = dim3(static_cast<unsigned>(32 * now.warps));
  shape.dynamic_shared_bytes = shared_bytes;
  shape.cooperative = cooperative;
  try {
    log.push_back(executor.launch(shape, kernel));
    if (log.size() > 16) log.erase(log.begin());
  } catch (const Defect& defect) {
    found_ = defect.what();
    return found_.c_str();
  }
  return nullptr;
}

}  // namespace coolsd::simt

namespace coolsd {

const char* Device::why_not() { return nullptr; }

std::unique_ptr<Device> Device::open(int ordinal, const char** error) {
  *error = ordinal == 0 ? nullptr : "there is no device with this number";
  return ordinal == 0 ? std::make_unique<simt::SimtDevice>() : nullptr;
}

}  // namespace coolsd
