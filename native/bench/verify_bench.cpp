/*
 * One verification against reading the bytes it needs once: laps of 16 verifications and laps of the 16 readings that
 * belong to them take turns, so that both find the caches alike. "us" and "read_us" are medians over the laps, of one
 * verification and of one reading; "ratio" is the median of their quotients. Google Benchmark's own columns have the
 * mean of a whole lap of verifications. "..._over_..." compares two ways of verifying in the same way.
 * COOLSD_SIMD=AVX2, SSE4, ... in the environment keeps both sides to instruction sets no better than the one named.
 */
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "bandwidth.h"
#include "workload.h"

namespace {

using coolsd::bench::Shape;
using coolsd::bench::Workload;

/* Seconds of this thread on a processor: waiting for other work does not count, caches that it empties do. */
double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> x) {
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  return *middle;
}

void measure(benchmark::State& state, const Shape& shape) {
  constexpr size_t kTurns = 16; /* enough for a clock, few enough for many laps */
  Workload work(shape);
  std::vector<double> verified, read, ratios;
  std::vector<std::vector<int32_t>> lap(kTurns);
  double bytes = 0;
  for (auto _ : state) {
    const auto start = now();
    for (auto& accepted : lap) accepted = work.verify();
    const auto between = now();
    for (const auto& accepted : lap) benchmark::DoNotOptimize(work.read(accepted));
    const double v = between - start, r = now() - between;
    for (const auto& accepted : lap) bytes += static_cast<double>(work.bytes(accepted));
    state.SetIterationTime(v);
    verified.push_back(v * 1e6 / kTurns);
    read.push_back(r * 1e6 / kTurns);
    ratios.push_back(v / r);
  }
  state.counters["us"] = median(verified);
  state.counters["read_us"] = median(read);
  state.counters["ratio"] = median(ratios);
  state.counters["KiB"] = bytes / 1024 / kTurns / static_cast<double>(verified.size());
}

const char* name(int32_t dtype) { return dtype == COOLSD_F32 ? "f32" : dtype == COOLSD_F16 ? "f16" : "bf16"; }

/* Laps of one shape and laps of another take turns: medians of each, and of their quotients. */
void compare(benchmark::State& state, const Shape& over, const Shape& under) {
  constexpr size_t kTurns = 16;
  Workload first(over), second(under);
  std::vector<double> us, under_us, ratios;
  for (auto _ : state) {
    const auto start = now();
    for (size_t i = 0; i < kTurns; ++i) benchmark::DoNotOptimize(first.verify());
    const auto between = now();
    for (size_t i = 0; i < kTurns; ++i) benchmark::DoNotOptimize(second.verify());
    const double one = between - start, other = now() - between;
    state.SetIterationTime(one);
    us.push_back(one * 1e6 / kTurns);
    under_us.push_back(other * 1e6 / kTurns);
    ratios.push_back(one / other);
  }
  state.counters["us"] = median(us);
  state.counters["under_us"] = median(under_us);
  state.counters["ratio"] = median(ratios);
}

void add_comparison(const std::string& what, const Shape& over, const Shape& under) {
  const std::string title = what + "/V:" + std::to_string(over.vocab) + "/" + name(over.dtype) +
                            (over.normalisers ? "/normalisers" : "/none") + (over.lossless ? "/lossless" : "");
  benchmark::RegisterBenchmark(title.c_str(), [over, under](benchmark::State& state) {
    compare(state, over, under);
  })->UseManualTime();
}

void add_comparisons() {
  for (bool normalisers : {true, false}) {
    for (int32_t dtype : {COOLSD_F32, COOLSD_BF16}) {
      const Shape tokens = {16384, dtype, 1, normalisers};
      Shape block = tokens, top_k = tokens, budget = tokens;
      block.rule = COOLSD_RULE_BLOCK;
      top_k.top_k = 2000;
      budget.budget = 0.02f;
      add_comparison("top_k:2000_over_none", top_k, tokens);
      add_comparison("block_over_tokens", block, tokens);
      add_comparison("budget_over_schedule", budget, tokens);
      Shape block_budget = budget, block_lossless = block, lossless = tokens;
      block_budget.rule = COOLSD_RULE_BLOCK;
      add_comparison("block_with_budget_over_block", block_budget, block);
      block_lossless.lossless = lossless.lossless = true;
      add_comparison("block_over_tokens", block_lossless, lossless);
    }
  }
  for (int32_t vocab : {16384, 65536}) {
    add_comparison("f32_over_bf16", {vocab}, {vocab, COOLSD_BF16});
    add_comparison("f32_over_f16", {vocab}, {vocab, COOLSD_F16});
  }
}

void add(const Shape& s) {
  const std::string title = "verify/V:" + std::to_string(s.vocab) + "/B:" + std::to_string(s.batch) + "/" +
                            name(s.dtype) + (s.normalisers ? "/normalisers" : "/none") + (s.guided ? "/guided" : "") +
                            (s.top_k > 0 ? "/top_k:" + std::to_string(s.top_k) : "");
  benchmark::RegisterBenchmark(title.c_str(), [s](benchmark::State& state) { measure(state, s); })->UseManualTime();
}

}  // namespace

int main(int argc, char** argv) {
  for (int32_t vocab : {16384, 65536}) {
    for (int32_t dtype : {COOLSD_F32, COOLSD_F16, COOLSD_BF16}) {
      for (bool guided : {false, true}) {
        for (bool normalisers : {true, false}) {
          add({vocab, dtype, 1, normalisers, guided, 0});
        }
      }
    }
    add({vocab, COOLSD_F32, 1, true, false, 2000});
    add({vocab, COOLSD_BF16, 1, true, false, 2000});
    add({vocab, COOLSD_F32, 1, false, false, 2000});
  }
  for (int32_t vocab = 8192; vocab <= 1 << 20; vocab *= 2) {
    if (vocab == 16384 || vocab == 65536) continue;
    add({vocab, COOLSD_F32, 1, true, false, 0});
    add({vocab, COOLSD_BF16, 1, true, false, 0});
  }
  for (int32_t batch = 2; batch <= 64; batch *= 2) add({16384, COOLSD_F32, batch, true, false, 0});
  add_comparisons();
  benchmark::AddCustomContext("verifying", coolsd_simd());
  benchmark::AddCustomContext("reading", coolsd::bench::reading_target());
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
