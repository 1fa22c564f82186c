#include "cutoff.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "common/ordered.h"
#include "law.h"

namespace coolsd {

namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();

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

}  // namespace

/* A bound that about a quarter more than k of the values reach, from a fixed sample of them; lowest if k is many. */
float CandidateCutoff::guess(const Row& row, int32_t lo, int32_t n, int32_t k, Scratch& scratch) {
  constexpr int32_t kSample = 256;
  if (n < 4 * kSample) return kLowest;
  const double share = static_cast<double>(k) / n;
  const int32_t rank = static_cast<int32_t>(kSample * share * 1.25) + 8;
  if (rank >= kSample) return kLowest;
  float* sample = scratch.masses.data();
  float least = std::numeric_limits<float>::infinity(), most = -least;
  for (int32_t i = 0; i < kSample; ++i) {
    sample[i] = row[lo + static_cast<int64_t>(i) * n / kSample];
    least = std::min(least, sample[i]);
    most = std::max(most, sample[i]);
  }
  return std::max(kLowest, simd::kth_largest(sample, kSample, rank, least, most, sample).value);
}

CandidateCutoff CandidateCutoff::find(const Candidates& all, const CutRequest& request, const simd::Exponential& e,
                                      Scratch& scratch) {
  const float* x = scratch.candidates.data();
  const int32_t n = all.count;
  CandidateCutoff cutoff{-std::numeric_limits<float>::infinity(), kEnd};
  int32_t equal = kEnd; /* of those with the value, so many are kept */
  if (request.top_k < n) {
    const simd::KthValue last = simd::kth_largest(x, n, request.top_k, all.least, all.largest, scratch.masses.data());
    if (request.top_k < last.reach) equal = request.top_k - last.above;
    cutoff = {last.value, kEnd};
  }
  if (request.top_p < 1) {
    /* Only the k: everything above the value, and the equal ones that are kept. */
    float* kept = scratch.kept.data();
    int32_t count = 0, same = 0;
    for (int32_t i = 0; i < n; ++i) {
      if (x[i] > cutoff.value || (x[i] == cutoff.value && same++ < equal)) kept[count++] = x[i];
    }
    double mass = 0;
    for (int32_t from = 0; from < count; from += simd::kBlock) {
      mass += simd::exponentials(kept + from, std::min(simd::kBlock, count - from), e, scratch.masses.data() + from);
    }
    const float* masses = scratch.masses.data();
    const Selected s =
        select(kept, count, request.top_p * mass, [masses](int32_t i) { return static_cast<double>(masses[i]); });
    /* Equal to the last of the k: both count from the lowest index. */
    if (!(s.value == cutoff.value && s.all_equal)) equal = s.all_equal ? kEnd : s.equal;
    cutoff.value = s.value;
  }
  if (equal != kEnd) cutoff.candidate = simd::nth_equal(x, n, cutoff.value, equal);
  return cutoff;
}

}  // namespace coolsd
