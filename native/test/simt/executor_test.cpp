/* Correct kernels: right results under many schedules, and counters equal to figures computed by hand. */
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "cuda_on_cpu.h"
#include "kernels/reductions.cu"

namespace coolsd::reductions {
// The array that sum_by_tree declares.
COOLSD_SIMT_DYNAMIC_SHARED(unsigned, tree);
}  // namespace coolsd::reductions

namespace coolsd::simt {
namespace {

constexpr uint64_t kSchedules = 50;

template <typename T>
std::size_t bytes(const std::vector<T>& v) {
  return v.size() * sizeof(T);
}

std::vector<unsigned> numbers(std::size_t n) {
  std::mt19937 random(static_cast<unsigned>(n));
  std::vector<unsigned> values(n);
  for (unsigned& value : values) value = static_cast<unsigned>(random() % 1000);
  return values;
}

unsigned sum(const std::vector<unsigned>& values) { return std::accumulate(values.begin(), values.end(), 0u); }

TEST(Executor, BlockReduction) {
  const std::vector<unsigned> in = numbers(1000);
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<unsigned> out(3);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("out", out.data(), bytes(out), Access::write);
    executor.launch({3, 128, 0, false}, [&] { reductions::sum_per_block(in.data(), 1000, out.data()); });
    EXPECT_EQ(sum(out), sum(in)) << "seed " << seed;
  }
}

TEST(Executor, TreeInDynamicSharedMemory) {
  const std::vector<unsigned> in = numbers(512);
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<unsigned> out(2);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("out", out.data(), bytes(out), Access::write);
    executor.launch({2, 256, 256 * sizeof(unsigned), false}, [&] { reductions::sum_by_tree(in.data(), out.data()); });
    EXPECT_EQ(sum(out), sum(in)) << "seed " << seed;
  }
}

TEST(Executor, WarpShuffleScan) {
  std::vector<float> in(128);
  std::iota(in.begin(), in.end(), 1.0f);
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<float> out(128);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("out", out.data(), bytes(out), Access::write);
    executor.launch({2, 64, 0, false}, [&] { reductions::scan_per_warp(in.data(), out.data()); });
    for (std::size_t warp = 0; warp < 4; ++warp) {
      float expected = 0;
      for (std::size_t i = 32 * warp; i < 32 * warp + 32; ++i) ASSERT_EQ(out[i], expected += in[i]) << "seed " << seed;
    }
  }
}

TEST(Executor, HalfWarpsSynchroniseOnTheirOwn) {
  std::vector<int> in(64);
  std::iota(in.begin(), in.end(), 0);
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<int> out(64);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("out", out.data(), bytes(out), Access::write);
    executor.launch({1, 64, 0, false}, [&] { reductions::reverse_half_warps(in.data(), out.data()); });
    for (int i = 0; i < 64; ++i) ASSERT_EQ(out[static_cast<std::size_t>(i)], i ^ 15) << "seed " << seed;
  }
}

TEST(Executor, GridReductionWithCooperativeBarrier) {
  const std::vector<unsigned> in = numbers(2000);
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<unsigned> partial(5), out(1);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("partial", partial.data(), bytes(partial), Access::write);
    executor.buffer("out", out.data(), bytes(out), Access::write);
    executor.launch({5, 64, 0, true},
                    [&] { reductions::sum_grid_cooperative(in.data(), 2000, partial.data(), out.data()); });
    EXPECT_EQ(out[0], sum(in)) << "seed " << seed;
  }
}

TEST(Executor, GridReductionWithHandMadeBarrier) {
  const std::vector<unsigned> in = numbers(2000);
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<unsigned> partial(5), arrived(1), out(3);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("partial", partial.data(), bytes(partial), Access::write);
    executor.buffer("arrived", arrived.data(), bytes(arrived), Access::read_write);
    executor.buffer("out", out.data(), bytes(out), Access::write);
    // Launched twice: the counter goes on from where it is, the workspace keeps what it had.
    for (unsigned launch = 1; launch <= 2; ++launch) {
      executor.launch({5, 64, 0, true}, [&] {
        reductions::sum_grid_hand_made(in.data(), 2000, partial.data(), arrived.data(), out.data());
      });
      for (unsigned round = 0; round < 3; ++round) EXPECT_EQ(out[round], sum(in) + 2000 * round) << "seed " << seed;
      EXPECT_EQ(arrived[0], launch * 3 * 2 * 5);
    }
  }
}

TEST(Executor, LastBlockAddsUp) {
  const std::vector<unsigned> in = numbers(40 * 32);
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<unsigned> partial(40), arrived(1), out(1);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("partial", partial.data(), bytes(partial), Access::write);
    executor.buffer("arrived", arrived.data(), bytes(arrived), Access::write);
    executor.initialise(arrived.data(), bytes(arrived));
    executor.buffer("out", out.data(), bytes(out), Access::write);
    executor.launch({40, 32, 0, false},
                    [&] { reductions::sum_by_last_block(in.data(), partial.data(), arrived.data(), out.data()); });
    EXPECT_EQ(out[0], sum(in)) << "seed " << seed;
  }
}

TEST(Executor, HistogramWithAtomicsInBothSpaces) {
  const std::vector<unsigned> in = numbers(3000);
  std::vector<unsigned> expected(16);
  for (const unsigned value : in) ++expected[value % 16];
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<unsigned> bins(16);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("bins", bins.data(), bytes(bins), Access::read_write);
    const Counters cost = executor.launch({4, 64, 16 * sizeof(unsigned), false},
                                          [&] { reductions::histogram(in.data(), 3000, bins.data()); });
    EXPECT_EQ(bins, expected) << "seed " << seed;
    EXPECT_EQ(cost.atomics, 3000u + 4 * 16);
  }
}

TEST(Executor, Votes) {
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    std::vector<int> out(6);
    Executor executor(seed);
    executor.buffer("out", out.data(), bytes(out), Access::write);
    executor.launch({1, 96, 0, false}, [&] { reductions::votes(out.data()); });
    EXPECT_EQ(out, (std::vector<int>{48, 1, 0, static_cast<int>(0xAAAAAAAAu), 1, 0})) << "seed " << seed;
  }
}

/* 5 blocks of 64 threads, 2000 numbers; see sum_grid_cooperative. */
TEST(Executor, CountersAreThoseComputedByHand) {
  const std::vector<unsigned> in = numbers(2000);
  std::vector<unsigned> partial(5), out(1);
  Executor executor;
  executor.buffer("in", in.data(), bytes(in), Access::read);
  executor.buffer("partial", partial.data(), bytes(partial), Access::write);
  executor.buffer("out", out.data(), bytes(out), Access::write);
  const auto kernel = [&] { reductions::sum_grid_cooperative(in.data(), 2000, partial.data(), out.data()); };
  const Counters cost = executor.launch({5, 64, 0, true}, kernel);
  EXPECT_EQ(cost.launches, 1u);
  EXPECT_EQ(cost.buffers.at("in").loaded, 2000u * 4);
  EXPECT_EQ(cost.buffers.at("in").stored, 0u);
  EXPECT_EQ(cost.buffers.at("partial").stored, 5u * 4);
  EXPECT_EQ(cost.buffers.at("partial").loaded, 5u * 5 * 4);
  EXPECT_EQ(cost.buffers.at("out").stored, 4u);
  EXPECT_EQ(cost.global.loaded, 2000u * 4 + 5 * 5 * 4);
  EXPECT_EQ(cost.global.stored, 5u * 4 + 4);
  EXPECT_EQ(cost.barriers, 5u * 2 * 2);  // block_sum has two, every block calls it twice
  EXPECT_EQ(cost.grid_barriers, 1u);
  EXPECT_EQ(cost.atomics, 0u);
  EXPECT_EQ(cost.shared_bytes, 32u * 4);

  executor.launch({5, 64, 64, true}, kernel);
  EXPECT_EQ(executor.counters().launches, 2u);
  EXPECT_EQ(executor.counters().global.loaded, 2 * cost.global.loaded);
  EXPECT_EQ(executor.counters().barriers, 2 * cost.barriers);
  EXPECT_EQ(executor.counters().shared_bytes, 32u * 4 + 64);
}

/* The size that conformance tests need: 12 rows of 131072, 16 blocks of 256 threads. */
TEST(Executor, LargeVocabulary) {
  constexpr unsigned kVocabulary = 131072;
  constexpr unsigned kRows = 12;
  std::vector<float> in(std::size_t{kRows} * kVocabulary);
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 2);
  for (float& x : in) x = normal(random);
  std::vector<float> out(16);
  Executor executor;
  executor.buffer("in", in.data(), bytes(in), Access::read);
  executor.buffer("out", out.data(), bytes(out), Access::write);
  for (unsigned row = 0; row < kRows; ++row) {
    const float* logits = in.data() + std::size_t{row} * kVocabulary;
    executor.launch({16, 256, 0, false}, [&] { reductions::sum_exp(logits, kVocabulary, 1.0f, out.data()); });
    double expected = 0;
    for (unsigned i = 0; i < kVocabulary; ++i) expected += std::exp(double{logits[i]} - 1);
    EXPECT_NEAR(std::accumulate(out.begin(), out.end(), 0.0), expected, 1e-5 * expected);
  }
  EXPECT_EQ(executor.counters().global.loaded, uint64_t{kRows} * kVocabulary * 4);
}

TEST(Executor, ASeedGivesOneSchedule) {
  const auto polls = [](uint64_t seed) {
    const std::vector<unsigned> in = numbers(500);
    std::vector<unsigned> partial(5), arrived(1), out(3);
    Executor executor(seed);
    executor.buffer("in", in.data(), bytes(in), Access::read);
    executor.buffer("partial", partial.data(), bytes(partial), Access::write);
    executor.buffer("arrived", arrived.data(), bytes(arrived), Access::read_write);
    executor.buffer("out", out.data(), bytes(out), Access::write);
    return executor
        .launch({5, 64, 0, true},
                [&] { reductions::sum_grid_hand_made(in.data(), 500, partial.data(), arrived.data(), out.data()); })
        .atomics;
  };
  EXPECT_EQ(polls(1), polls(1));
  EXPECT_NE(polls(1), polls(2));
}

TEST(Executor, AnExceptionOfTheKernelComesThroughAndLeavesTheExecutorUsable) {
  Executor executor;
  const auto thrower = [] {
    if (threadIdx.x == 3) throw std::out_of_range("from the kernel");
    __syncthreads();
  };
  EXPECT_THROW(executor.launch({2, 32, 0, false}, thrower), std::out_of_range);
  const Counters cost = executor.launch({2, 32, 0, false}, [] { __syncthreads(); });
  EXPECT_EQ(cost.barriers, 2u);
  EXPECT_EQ(executor.counters().launches, 1u);
}

TEST(Executor, ImpossibleLaunchesAreRefused) {
  Executor executor;
  EXPECT_THROW(executor.launch({1, 1025, 0, false}, [] {}), std::invalid_argument);
  EXPECT_THROW(executor.launch({0, 32, 0, false}, [] {}), std::invalid_argument);
  EXPECT_THROW(executor.launch({1, 32, 228 * 1024, false}, [] {}), std::invalid_argument);
}

}  // namespace
}  // namespace coolsd::simt
