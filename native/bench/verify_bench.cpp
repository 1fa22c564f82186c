/*
 * One verification against reading the bytes it needs once: laps of 16 verifications and laps of the 16 readings that
 * belong to them take turns, so that both find the caches alike. "us" and "read_us" are medians over the laps, of one
 * verification and of one reading; "ratio" is the median of their quotients. Google Benchmark's own columns have the
 * mean of a whole lap of verifications. "block/..." compares the block's rule with the relaxed one in the same way.
 */
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "workload.h"

namespace {

using coolsd::bench::Shape;
using coolsd::bench::Workload;

double median(std::vector<double> x) {
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  return *middle;
}

void measure(benchmark::State& state, const Shape& shape) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kTurns = 16; /* enough for a clock, few enough for many laps */
  Workload work(shape);
  std::vector<double> verified, read, ratios;
  std::vector<std::vector<int32_t>> lap(kTurns);
  double bytes = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    for (auto& accepted : lap) accepted = work.verify();
    const auto between = Clock::now();
    for (const auto& accepted : lap) benchmark::DoNotOptimize(work.read(accepted));
    const std::chrono::duration<double> v = between - start, r = Clock::now() - between;
    for (const auto& accepted : lap) bytes += static_cast<double>(work.bytes(accepted));
    state.SetIterationTime(v.count());
    verified.push_back(v.count() * 1e6 / kTurns);
    read.push_back(r.count() * 1e6 / kTurns);
    ratios.push_back(v / r);
  }
  state.counters["us"] = median(verified);
  state.counters["read_us"] = median(read);
  state.counters["ratio"] = median(ratios);
  state.counters["KiB"] = bytes / 1024 / kTurns / static_cast<double>(verified.size());
}

const char* name(int32_t dtype) { return dtype == COOLSD_F32 ? "f32" : dtype == COOLSD_F16 ? "f16" : "bf16"; }

/* Laps by the block's rule and laps token by token take turns: medians of each, and of their quotients. */
void compare(benchmark::State& state, Shape shape) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kTurns = 16;
  Workload by_token(shape);
  shape.rule = COOLSD_RULE_BLOCK;
  Workload by_block(shape);
  std::vector<double> tokens, blocks, ratios;
  for (auto _ : state) {
    const auto start = Clock::now();
    for (size_t i = 0; i < kTurns; ++i) benchmark::DoNotOptimize(by_block.verify());
    const auto between = Clock::now();
    for (size_t i = 0; i < kTurns; ++i) benchmark::DoNotOptimize(by_token.verify());
    const std::chrono::duration<double> block = between - start, token = Clock::now() - between;
    state.SetIterationTime(block.count());
    blocks.push_back(block.count() * 1e6 / kTurns);
    tokens.push_back(token.count() * 1e6 / kTurns);
    ratios.push_back(block / token);
  }
  state.counters["block_us"] = median(blocks);
  state.counters["token_us"] = median(tokens);
  state.counters["ratio"] = median(ratios);
}

void add_comparison(const Shape& s) {
  const std::string title = "block/V:" + std::to_string(s.vocab) + "/" + name(s.dtype) +
                            (s.normalisers ? "/normalisers" : "/none") + (s.lossless ? "/lossless" : "");
  benchmark::RegisterBenchmark(title.c_str(), [s](benchmark::State& state) { compare(state, s); })->UseManualTime();
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
  for (bool lossless : {false, true}) {
    for (bool normalisers : {true, false}) {
      for (int32_t dtype : {COOLSD_F32, COOLSD_BF16}) {
        add_comparison({16384, dtype, 1, normalisers, false, 0, COOLSD_RULE_RELAXED, lossless});
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
