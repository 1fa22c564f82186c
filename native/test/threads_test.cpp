/* Verifiers in threads of their own, for ThreadSanitizer to watch: nothing but the last error's words is shared. */
#include <gtest/gtest.h>

#include <thread>

#include "step_case.h"

namespace coolsd::test {
namespace {

/* The tokens of many steps, and the error of a wrong call in between. */
std::vector<int32_t> decode(uint64_t seed, coolsd_rule rule) {
  std::vector<int32_t> all;
  std::mt19937 random(static_cast<uint32_t>(seed));
  StepCase c(300, 3, 2);
  c.randomise(random, 1.5f, 1);
  c.spec.rule = rule;
  c.omega = {1.5f, 1, 0.5f};
  for (int32_t step = 0; step < 20; ++step) {
    EXPECT_EQ(c.open(), COOLSD_OK);
    for (uint64_t& one : c.seeds) one = seed + static_cast<uint64_t>(step);
    EXPECT_EQ(c.sample_drafts(), COOLSD_OK);
    EXPECT_EQ(c.verify(), COOLSD_OK);
    all.insert(all.end(), c.tokens.begin(), c.tokens.end());
    const float wrong = -static_cast<float>(seed) - 1;
    c.omega[0] = wrong;
    EXPECT_EQ(c.open(), COOLSD_INVALID_ARGUMENT);
    const std::string words = "spec.omega[0] is " + std::to_string(-static_cast<int32_t>(seed) - 1);
    EXPECT_EQ(std::string(coolsd_last_error()).rfind(words, 0), 0u) << coolsd_last_error();
    c.omega[0] = 1.5f;
  }
  return all;
}

TEST(Threads, VerifiersDoNotMeet) {
  std::vector<int32_t> alone[2], together[2];
  /* Threads first: they also meet in what the first call sets up. */
  std::thread first([&] { together[0] = decode(1, COOLSD_RULE_RELAXED); });
  std::thread second([&] { together[1] = decode(2, COOLSD_RULE_BLOCK); });
  first.join();
  second.join();
  alone[0] = decode(1, COOLSD_RULE_RELAXED);
  alone[1] = decode(2, COOLSD_RULE_BLOCK);
  for (int k = 0; k < 2; ++k) EXPECT_EQ(together[k], alone[k]);
}

}  // namespace
}  // namespace coolsd::test
