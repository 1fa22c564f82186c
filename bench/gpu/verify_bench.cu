/* Time of coolsd_verify on a GPU, by CUDA events around repeated calls in one stream; prints a table in Markdown. */
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "coolsd.h"

namespace {

constexpr int kLength = 5, kCalls = 50, kRepetitions = 21;

void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "verify_bench: %s\n", cudaGetErrorString(error));
  std::exit(1);
}
void check(coolsd_status status) {
  if (status == COOLSD_OK) return;
  std::fprintf(stderr, "verify_bench: %s\n", coolsd_last_error());
  std::exit(1);
}

template <typename T>
T* device(const std::vector<T>& from) {
  T* to = nullptr;
  check(cudaMalloc(&to, from.size() * sizeof(T)));
  check(cudaMemcpy(to, from.data(), from.size() * sizeof(T), cudaMemcpyHostToDevice));
  return to;
}

/* Random logits of a type, as its bits: f32, or the upper half of it. */
void* logits(size_t count, int dtype, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> wide(count);
  for (float& x : wide) x = normal(random);
  if (dtype == COOLSD_F32) return device(wide);
  std::vector<uint16_t> narrow(count);
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    static_assert(sizeof bits == sizeof wide[i], "f32");
    std::copy_n(reinterpret_cast<const char*>(&wide[i]), 4, reinterpret_cast<char*>(&bits));
    narrow[i] = static_cast<uint16_t>(bits >> 16);
  }
  return device(narrow);
}

/* Median microseconds of one call, and the spread. */
void measure(int vocab, int batch, int dtype, int top_k, int rule) {
  const coolsd_sampling s = {sizeof s, 1, 1, top_k, 1, 0, 0};
  const float omega[kLength] = {1.9f, 1.4f, 1.0f, 0.8f, 0.6f};
  coolsd_verifier_spec spec = {sizeof spec, COOLSD_CUDA, vocab, kLength, omega, s, s, nullptr, 0};
  spec.rule = rule;
  coolsd_verifier* verifier = nullptr;
  check(coolsd_verifier_create(&spec, &verifier));
  check(coolsd_verifier_reserve(verifier, batch, nullptr));
  const size_t b = static_cast<size_t>(batch), v = static_cast<size_t>(vocab);
  std::vector<int32_t> tokens(b * kLength);
  std::mt19937 random(3);
  for (int32_t& t : tokens) t = static_cast<int32_t>(random() % v);
  std::vector<uint64_t> seeds(b), positions(b, 7);
  for (size_t i = 0; i < b; ++i) seeds[i] = i;
  coolsd_verify_args a = {sizeof a, batch};
  a.target = {logits(b * (kLength + 1) * v, dtype, 1), (kLength + 1) * int64_t{vocab}, vocab, dtype};
  a.draft = {logits(b * kLength * v, dtype, 1), kLength * int64_t{vocab}, vocab, dtype};
  a.draft_tokens = device(tokens);
  a.seeds = device(seeds);
  a.positions = device(positions);
  a.tokens = device(std::vector<int32_t>(b * (kLength + 1)));
  a.accepted = device(std::vector<int32_t>(b));
  a.status = device(std::vector<int32_t>(b));
  cudaStream_t stream;
  cudaEvent_t begin, end;
  check(cudaStreamCreate(&stream));
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  a.stream = stream;
  std::vector<float> micros;
  for (int r = 0; r < kRepetitions + 3; ++r) {
    check(cudaEventRecord(begin, stream));
    for (int n = 0; n < kCalls; ++n) check(coolsd_verify(verifier, &a));
    check(cudaEventRecord(end, stream));
    check(cudaEventSynchronize(end));
    float ms = 0;
    check(cudaEventElapsedTime(&ms, begin, end));
    if (r >= 3) micros.push_back(1000 * ms / kCalls); /* the first three warm up */
  }
  std::sort(micros.begin(), micros.end());
  std::printf("| %s | %d | %d | %s | %d | %.2f | %.2f - %.2f |\n", rule == COOLSD_RULE_BLOCK ? "block" : "token", vocab,
              batch, dtype == COOLSD_F32 ? "f32" : "bf16", top_k, static_cast<double>(micros[kRepetitions / 2]),
              static_cast<double>(micros.front()), static_cast<double>(micros.back()));
  coolsd_verifier_destroy(verifier);
  for (const void* p : {a.target.data, a.draft.data}) check(cudaFree(const_cast<void*>(p)));
}

}  // namespace

int main() {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0));
  std::printf(
      "%s, %d multiprocessors. L = %d, no normalisers given; microseconds of one call, %d calls between two "
      "events.\n\n",
      properties.name, properties.multiProcessorCount, kLength, kCalls);
  std::printf("| rule | V | batch | dtype | top-k | median | range |\n|---|---:|---:|---|---:|---:|---|\n");
  for (const int rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    for (const int vocab : {8192, 16384, 65536, 131072}) {
      for (const int batch : {1, 8, 64}) {
        for (const int dtype : {COOLSD_F32, COOLSD_BF16}) measure(vocab, batch, dtype, 0, rule);
      }
      measure(vocab, 1, COOLSD_F32, 2000, rule);
    }
  }
  return 0;
}
