/* The vocabulary of cuda_on_cpu.h on its own. */
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>

#include "cuda_on_cpu.h"

namespace {

unsigned short native_half(float x) {
  const _Float16 h = static_cast<_Float16>(x);
  unsigned short bits;
  std::memcpy(&bits, &h, sizeof bits);
  return bits;
}

TEST(Cuda, EveryHalfSurvivesTheRoundTrip) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float x = __half2float({static_cast<unsigned short>(bits)});
    if (std::isnan(x)) continue;
    ASSERT_EQ(__float2half(x).bits, bits);
    ASSERT_EQ(native_half(x), bits);
  }
}

TEST(Cuda, FloatsRoundToHalfAsTheHardwareDoes) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    // Exponents from far below the smallest to beyond the largest half.
    const auto bits = static_cast<unsigned>((random() & 0x807fffffu) | (95u + random() % 55) << 23);
    const float x = __uint_as_float(bits);
    ASSERT_EQ(__float2half(x).bits, native_half(x)) << x;
  }
}

TEST(Cuda, Bfloat16RoundsToNearestEven) {
  EXPECT_EQ(__float2bfloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(__float2bfloat16(__uint_as_float(0x3f808000u)).bits, 0x3f80);  // tie, down to even
  EXPECT_EQ(__float2bfloat16(__uint_as_float(0x3f818000u)).bits, 0x3f82);  // tie, up to even
  EXPECT_EQ(__float2bfloat16(__uint_as_float(0x3f808001u)).bits, 0x3f81);
  EXPECT_EQ(__float2bfloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_TRUE(std::isnan(__bfloat162float(__float2bfloat16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(Cuda, Bits) {
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__brev(1u), 0x80000000u);
  EXPECT_EQ(__umulhi(0x80000000u, 6u), 3u);
}

TEST(Cuda, IndicesOfThreeDimensions) {
  std::vector<int> seen(2 * 3 * 2 * 5 * 2 * 3);
  coolsd::simt::Executor executor;
  executor.launch({dim3(2, 3, 2), dim3(5, 2, 3), 0, false}, [&] {
    const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    ++seen[block * 30 + thread];
  });
  for (const int count : seen) EXPECT_EQ(count, 1);
}

/* Shuffles in groups of 8, against the definition in the CUDA C++ Programming Guide. */
TEST(Cuda, ShufflesWithAWidth) {
  int got[4][32];
  coolsd::simt::Executor executor;
  executor.launch({1, 32, 0, false}, [&] {
    const int lane = static_cast<int>(threadIdx.x);
    got[0][lane] = __shfl_sync(0xffffffffu, lane, 11, 8);
    got[1][lane] = __shfl_up_sync(0xffffffffu, lane, 3, 8);
    got[2][lane] = __shfl_down_sync(0xffffffffu, lane, 3, 8);
    got[3][lane] = __shfl_xor_sync(0xffffffffu, lane, 5, 8);
  });
  for (int lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(got[0][lane], lane / 8 * 8 + 3);
    EXPECT_EQ(got[1][lane], lane % 8 >= 3 ? lane - 3 : lane);
    EXPECT_EQ(got[2][lane], lane % 8 < 5 ? lane + 3 : lane);
    EXPECT_EQ(got[3][lane], lane ^ 5);
  }
}

TEST(Cuda, AtomicsReturnTheOldValue) {
  alignas(8) unsigned long long wide = 5;
  int word = -3;
  coolsd::simt::Executor executor;
  executor.buffer("wide", &wide, sizeof wide, coolsd::simt::Access::read_write);
  executor.buffer("word", &word, sizeof word, coolsd::simt::Access::read_write);
  executor.launch({1, 1, 0, false}, [&] {
    EXPECT_EQ(atomicAdd(&wide, 1ull << 40), 5u);
    EXPECT_EQ(atomicMax(&word, 7), -3);
    EXPECT_EQ(atomicMin(&word, -9), 7);
    EXPECT_EQ(atomicExch(&word, 12), -9);
    EXPECT_EQ(atomicOr(&word, 3), 12);
    EXPECT_EQ(atomicAnd(&word, 6), 15);
    EXPECT_EQ(atomicCAS(&word, 5, 1), 6);
    EXPECT_EQ(atomicCAS(&word, 6, 1), 6);
  });
  EXPECT_EQ(wide, 5 + (1ull << 40));
  EXPECT_EQ(word, 1);
}

}  // namespace
