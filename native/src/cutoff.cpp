#include "cutoff.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "law.h"

namespace coolsd {

namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();

/* Unsigned integers in the order of the floats they come from; -0 equals 0, as in comparisons of values. */
uint32_t ordered(float x) {
  const float value = x + 0.0f;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

float from_ordered(uint32_t key) {
  const uint32_t bits = key & 0x80000000u ? key & 0x7FFFFFFFu : ~key;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/* The value at which a running total over the largest values first reaches its goal, and how many equal ones it takes.
 */
struct Selected {
  float value;
  int32_t equal; /* of those with this value, the first so many are needed */
  int32_t above; /* candidates with a larger value */
  bool all_equal;
};

/*
 * Radix selection: histograms over 11, 11 and 10 bits of the ordered key, each over the candidates of one bin of the
 * one before. weight(i) is what candidate i adds to the total. The goal is capped at what the candidates have.
 */
template <typename Weight>
Selected select(const float* x, int32_t n, double goal, Weight weight) {
  static constexpr std::array<int, 3> kShift = {21, 10, 0};
  static constexpr std::array<uint32_t, 3> kBins = {2048, 2048, 1024};
  uint32_t prefix = 0;
  double reached = 0;
  int32_t above = 0;
  int32_t in_bin = 0;
  double bin_total = 0;
  for (size_t level = 0; level < 3; ++level) {
    std::array<double, 2048> total{};
    std::array<int32_t, 2048> count{};
    const int shift = kShift[level];
    const uint32_t mask = kBins[level] - 1;
    for (int32_t i = 0; i < n; ++i) {
      const uint32_t key = ordered(x[i]);
      if (level > 0 && (key >> (shift + (level == 1 ? 11 : 10))) != prefix) continue;
      const uint32_t bin = (key >> shift) & mask;
      total[bin] += weight(i);
      ++count[bin];
    }
    int32_t bin = static_cast<int32_t>(mask);
    int32_t lowest = -1;
    for (; bin >= 0; --bin) {
      const size_t at = static_cast<size_t>(bin);
      if (count[at] == 0) continue;
      lowest = bin;
      if (reached + total[at] >= goal) break;
      reached += total[at];
      above += count[at];
    }
    if (bin < 0) { /* rounding left the goal unreached: everything in this bin counts */
      bin = lowest;
      reached -= total[static_cast<size_t>(bin)];
      above -= count[static_cast<size_t>(bin)];
    }
    in_bin = count[static_cast<size_t>(bin)];
    bin_total = total[static_cast<size_t>(bin)];
    prefix = (prefix << (level == 2 ? 10 : 11)) | static_cast<uint32_t>(bin);
  }
  const double each = bin_total / in_bin;
  int32_t equal = 1;
  while (equal < in_bin && reached + equal * each < goal) ++equal;
  return {from_ordered(prefix), equal, above, equal == in_bin};
}

/* A bound that about a quarter more than k of the values reach, from a fixed sample of them; lowest if k is many. */
float guess(const Law& law, int32_t k) {
  constexpr int32_t kSample = 256;
  const int32_t n = law.hi() - law.lo();
  if (n < 4 * kSample) return kLowest;
  const double share = static_cast<double>(k) / n;
  const int32_t rank = static_cast<int32_t>(kSample * share * 1.25) + 8;
  if (rank >= kSample) return kLowest;
  std::array<float, kSample> sample;
  for (int32_t i = 0; i < kSample; ++i) {
    sample[static_cast<size_t>(i)] = law.row()[law.lo() + static_cast<int64_t>(i) * n / kSample];
  }
  std::nth_element(sample.begin(), sample.begin() + rank, sample.end(), [](float a, float b) { return a > b; });
  return std::max(kLowest, sample[static_cast<size_t>(rank)]);
}

int32_t candidates(const Law& law, float bound, Scratch& scratch) {
  int32_t count = 0;
  for (int32_t from = law.lo(); from < law.hi(); from += simd::kBlock) {
    const int32_t n = std::min(simd::kBlock, law.hi() - from);
    const float* x = law.values(from, n, scratch.target_block.data());
    count += simd::compress(x, n, bound, scratch.candidates.data() + count);
  }
  return count;
}

/* Index of the so-many-th token with the selected value. */
int32_t index_of(const Law& law, const Selected& s, Scratch& scratch) {
  if (s.all_equal) return std::numeric_limits<int32_t>::max();
  int32_t seen = 0;
  for (int32_t from = law.lo(); from < law.hi(); from += simd::kBlock) {
    const int32_t n = std::min(simd::kBlock, law.hi() - from);
    const float* x = law.values(from, n, scratch.target_block.data());
    for (int32_t i = 0; i < n; ++i) {
      if (x[i] == s.value && ++seen == s.equal) return from + i;
    }
  }
  return std::numeric_limits<int32_t>::max();
}

}  // namespace

Cutoff::Request Cutoff::request(const coolsd_sampling& s, int32_t n) {
  if (s.temperature == 0) return {true, 1, 1};
  const int32_t k = s.top_k == 0 ? n : std::min(s.top_k, n);
  return {k < n || s.top_p < 1, k, static_cast<double>(s.top_p)};
}

Cutoff Cutoff::find(const Law& law, const Request& request, Scratch& scratch) {
  int32_t n = 0;
  const float bound = request.top_k < law.hi() - law.lo() ? guess(law, request.top_k) : kLowest;
  n = candidates(law, bound, scratch);
  if (n < request.top_k && bound != kLowest) n = candidates(law, kLowest, scratch);
  const float* x = scratch.candidates.data();
  Cutoff cutoff{-std::numeric_limits<float>::infinity(), std::numeric_limits<int32_t>::max()};
  if (request.top_k < n) {
    const Selected s = select(x, n, request.top_k, [](int32_t) { return 1.0; });
    cutoff = {s.value, index_of(law, s, scratch)};
    if (request.top_p < 1) {
      /* Only the k: everything above the value, and the equal ones that are kept. */
      int32_t kept = 0, equal = 0;
      for (int32_t i = 0; i < n; ++i) {
        if (x[i] > s.value || (x[i] == s.value && equal++ < s.equal))
          scratch.candidates[static_cast<size_t>(kept++)] = x[i];
      }
      n = kept;
    }
  }
  if (request.top_p < 1) {
    double mass = 0;
    for (int32_t from = 0; from < n; from += simd::kBlock) {
      const int32_t part = std::min(simd::kBlock, n - from);
      simd::Exponential e = law.exponential(0);
      e.cut = false;
      mass += simd::exponentials(x + from, part, e, scratch.masses.data() + from);
    }
    const float* masses = scratch.masses.data();
    const Selected s =
        select(x, n, request.top_p * mass, [masses](int32_t i) { return static_cast<double>(masses[i]); });
    /* Equal to the last of the k: index_of counts in the row, and so does s.equal, both from the lowest index. */
    if (!(s.value == cutoff.value && s.all_equal)) cutoff = {s.value, index_of(law, s, scratch)};
  }
  return cutoff;
}

}  // namespace coolsd
