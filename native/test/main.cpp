/*
 * Runs the tests once for every instruction set that this machine has, best first; COOLSD_SIMD in the environment
 * leaves out the better ones. Needs the library's parts in the test, since each copy of Highway has a choice of its
 * own.
 */
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdio>
#include <vector>

#include "simd/simd.h"

namespace {

class EverySet : public testing::EmptyTestEventListener {
 public:
  EverySet() {
    for (int64_t all = hwy::SupportedTargets() & HWY_TARGETS; all != 0; all &= all - 1) sets_.push_back(all & -all);
  }
  size_t count() const { return sets_.size(); }

  void OnTestIterationStart(const testing::UnitTest&, int iteration) override {
    hwy::SetSupportedTargetsForTest(sets_[static_cast<size_t>(iteration) % sets_.size()]);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    std::printf("Instruction set %s\n", coolsd::simd::target());
  }

 private:
  std::vector<int64_t> sets_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto* sets = new EverySet;
  testing::UnitTest::GetInstance()->listeners().Append(sets);
  if (testing::GTEST_FLAG(repeat) == 1) testing::GTEST_FLAG(repeat) = static_cast<int>(sets->count());
  return RUN_ALL_TESTS();
}
