/* Every planted defect is found, under every schedule unless the test says otherwise, and is called by its name. */
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "cuda_on_cpu.h"
#include "device_array.h"
#include "kernels/defects.cu"

namespace coolsd::defects {
// The array that dynamic_shared_past_end declares.
COOLSD_SIMT_DYNAMIC_SHARED(unsigned, words);
}  // namespace coolsd::defects

namespace coolsd::simt {
namespace {

using Kind = Defect::Kind;
using defects::Omit;

constexpr uint64_t kSchedules = 50;

/* What the kernels of defects.cu work on. */
struct Arrays {
  explicit Arrays(Executor& executor)
      : words(executor, "words", Access::read, 64),
        floats(executor, "floats", Access::read, 64),
        out(executor, "out", Access::write, 64),
        sums(executor, "sums", Access::write, 64),
        workspace(executor, "workspace", Access::write, 64),
        counter(executor, "counter", Access::read_write, 1) {}

  DeviceArray<unsigned> words;
  DeviceArray<float> floats;
  DeviceArray<unsigned> out;
  DeviceArray<float> sums;
  DeviceArray<unsigned> workspace;
  DeviceArray<unsigned> counter;
};

class DefectTest : public testing::Test {
 protected:
  /* Runs the kernel once; the kind of defect it reports, if any. */
  testing::AssertionResult run(uint64_t seed, Kind expected, const LaunchShape& shape,
                               const std::function<void(const Arrays&)>& kernel) {
    Executor executor(seed);
    Arrays arrays(executor);
    try {
      executor.launch(shape, [&] { kernel(arrays); });
    } catch (const Defect& defect) {
      text_ = defect.what();
      if (defect.kind() == expected) return testing::AssertionSuccess();
      return testing::AssertionFailure() << "seed " << seed << ": " << defect.what();
    }
    return testing::AssertionFailure() << "seed " << seed << ": nothing was found";
  }

  void expect(Kind kind, const LaunchShape& shape, const std::function<void(const Arrays&)>& kernel) {
    for (uint64_t seed = 0; seed < kSchedules; ++seed) EXPECT_TRUE(run(seed, kind, shape, kernel));
    RecordProperty("defect", text_);
  }

  std::string text_;  // of the last defect
};

TEST_F(DefectTest, RemovedSyncthreads) {
  expect(Kind::shared_race, {1, 64, 256, false},
         [](const Arrays& a) { defects::removed_syncthreads(a.words.data(), a.out.data()); });
}

TEST_F(DefectTest, SharedStoreStoreRace) {
  expect(Kind::shared_race, {1, 64, 0, false}, [](const Arrays& a) { defects::shared_store_store(a.out.data()); });
}

TEST_F(DefectTest, SharedLoadStoreRace) {
  expect(Kind::shared_race, {1, 64, 0, false}, [](const Arrays& a) { defects::shared_load_store(a.out.data()); });
}

TEST_F(DefectTest, AShuffleDoesNotOrderMemory) {
  expect(Kind::shared_race, {1, 32, 0, false},
         [](const Arrays& a) { defects::warp_exchange_without_syncwarp(a.out.data()); });
}

TEST_F(DefectTest, LoadPastTheEnd) {
  expect(Kind::out_of_bounds_global, {1, 32, 0, false},
         [](const Arrays& a) { defects::load_past_end(a.floats.data(), 64, a.sums.data()); });
}

TEST_F(DefectTest, LoadBeforeTheStart) {
  expect(Kind::out_of_bounds_global, {1, 1, 0, false},
         [](const Arrays& a) { defects::load_before_start(a.floats.data(), a.sums.data()); });
  EXPECT_NE(text_.find("4 bytes before 'floats'"), std::string::npos) << text_;
  EXPECT_NE(text_.find("defects.cu:"), std::string::npos) << text_;
}

TEST_F(DefectTest, StoreToInput) {
  expect(Kind::read_only, {1, 32, 0, false}, [](const Arrays& a) { defects::store_to_input(a.floats.data()); });
}

TEST_F(DefectTest, MisalignedVectorLoad) {
  expect(Kind::misaligned, {1, 32, 0, false},
         [](const Arrays& a) { defects::misaligned_vector(a.floats.data(), a.out.data()); });
}

TEST_F(DefectTest, SharedIndexPastTheEnd) {
  expect(Kind::out_of_bounds_shared, {1, 32, 0, false},
         [](const Arrays& a) { defects::shared_index_past_end(a.out.data()); });
}

TEST_F(DefectTest, DynamicSharedPastTheEnd) {
  expect(Kind::out_of_bounds_shared, {1, 32, 31 * 4, false}, [](const Arrays&) { defects::dynamic_shared_past_end(); });
}

TEST_F(DefectTest, UninitialisedSharedRead) {
  expect(Kind::uninitialised_shared, {1, 64, 0, false},
         [](const Arrays& a) { defects::uninitialised_shared(a.out.data()); });
}

TEST_F(DefectTest, UninitialisedWorkspaceRead) {
  expect(Kind::uninitialised_global, {2, 32, 0, false},
         [](const Arrays& a) { defects::uninitialised_workspace(a.workspace.data()); });
}

TEST_F(DefectTest, UninitialisedCounter) {
  expect(Kind::uninitialised_global, {2, 32, 0, false},
         [](const Arrays& a) { defects::uninitialised_counter(a.workspace.data()); });
}

TEST_F(DefectTest, BarrierInABranch) {
  expect(Kind::barrier_divergence, {1, 64, 0, false},
         [](const Arrays& a) { defects::barrier_in_branch(a.out.data()); });
}

TEST_F(DefectTest, TwoBarriers) {
  expect(Kind::barrier_divergence, {1, 64, 0, false}, [](const Arrays& a) { defects::two_barriers(a.out.data()); });
}

TEST_F(DefectTest, EarlyExit) {
  expect(Kind::barrier_divergence, {1, 64, 0, false}, [](const Arrays& a) { defects::early_exit(60, a.out.data()); });
}

TEST_F(DefectTest, GridBarrierWithoutABlock) {
  expect(Kind::barrier_divergence, {3, 32, 0, true}, [](const Arrays&) { defects::grid_barrier_without_a_block(); });
}

TEST_F(DefectTest, GridBarrierInAPlainLaunch) {
  expect(Kind::barrier_divergence, {3, 32, 0, false}, [](const Arrays&) { defects::grid_barrier_without_a_block(); });
}

TEST_F(DefectTest, NothingOmittedIsNoDefect) {
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    EXPECT_FALSE(run(seed, Kind::missing_fence, {4, 32, 0, true}, [](const Arrays& a) {
      defects::grid_sum<Omit::nothing>(a.workspace.data(), a.counter.data(), a.out.data());
    }));
    EXPECT_EQ(text_, "");
  }
}

TEST_F(DefectTest, MissingFenceBeforeAGridBarrier) {
  expect(Kind::missing_fence, {4, 32, 0, true}, [](const Arrays& a) {
    defects::grid_sum<Omit::writer_fence>(a.workspace.data(), a.counter.data(), a.out.data());
  });
}

TEST_F(DefectTest, MissingFenceAfterAGridBarrier) {
  expect(Kind::missing_fence, {4, 32, 0, true}, [](const Arrays& a) {
    defects::grid_sum<Omit::reader_fence>(a.workspace.data(), a.counter.data(), a.out.data());
  });
}

/* Which of "never stored" and "race" it is depends on who comes first. */
TEST_F(DefectTest, RemovedGridBarrier) {
  int races = 0, uninitialised = 0;
  const auto kernel = [](const Arrays& a) {
    defects::grid_sum<Omit::barrier>(a.workspace.data(), a.counter.data(), a.out.data());
  };
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    if (run(seed, Kind::global_race, {4, 32, 0, true}, kernel)) {
      ++races;
    } else if (run(seed, Kind::uninitialised_global, {4, 32, 0, true}, kernel)) {
      ++uninitialised;
    }
  }
  EXPECT_EQ(races + uninitialised, static_cast<int>(kSchedules));
  EXPECT_GT(races, 0);
}

/* The fence of thread 0 does not cover thread 1's store unless a barrier stands between; found when the order shows. */
TEST_F(DefectTest, FenceWithoutTheBarrierThatMakesItTheBlocks) {
  int found = 0;
  for (uint64_t seed = 0; seed < kSchedules; ++seed) {
    Executor executor(seed);
    const Arrays a(executor);
    executor.initialise(a.workspace.data(), a.workspace.bytes());
    try {
      executor.launch({4, 32, 0, true}, [&] {
        defects::grid_sum<Omit::block_barrier>(a.workspace.data(), a.counter.data(), a.out.data());
      });
    } catch (const Defect& defect) {
      EXPECT_TRUE(defect.kind() == Kind::missing_fence || defect.kind() == Kind::global_race) << defect.what();
      ++found;
    }
  }
  EXPECT_EQ(found, static_cast<int>(kSchedules));
}

TEST_F(DefectTest, GlobalLoadStoreRace) {
  expect(Kind::global_race, {4, 32, 0, true}, [](const Arrays& a) { defects::grid_load_store(a.workspace.data()); });
}

TEST_F(DefectTest, AllBlocksStore) {
  expect(Kind::global_race, {4, 32, 0, false}, [](const Arrays& a) { defects::all_blocks_store(a.out.data()); });
}

TEST_F(DefectTest, PlainPoll) {
  expect(Kind::global_race, {1, 2, 0, false},
         [](const Arrays& a) { defects::plain_poll(a.counter.data(), a.out.data()); });
}

TEST_F(DefectTest, DeadlockAtAHandMadeBarrier) {
  expect(Kind::deadlock, {4, 32, 0, true}, [](const Arrays& a) { defects::wait_for_nobody(a.counter.data()); });
}

TEST_F(DefectTest, ForgottenUnlock) {
  expect(Kind::deadlock, {2, 32, 0, false}, [](const Arrays& a) { defects::forgotten_unlock(a.counter.data()); });
}

TEST_F(DefectTest, CollectiveWithAMissingLane) {
  expect(Kind::warp_divergence, {1, 64, 0, false}, [](const Arrays& a) { defects::missing_lane(a.out.data()); });
}

TEST_F(DefectTest, CollectiveWithAnExitedLane) {
  expect(Kind::warp_divergence, {1, 32, 0, false}, [](const Arrays& a) { defects::exited_lane(a.out.data()); });
}

TEST_F(DefectTest, CrossedMasks) {
  expect(Kind::warp_divergence, {1, 32, 0, false}, [](const Arrays&) { defects::crossed_masks(); });
}

TEST_F(DefectTest, PlainSharedStore) {
  expect(Kind::unchecked_shared_store, {1, 32, 0, false},
         [](const Arrays& a) { defects::plain_shared_store(a.out.data()); });
}

}  // namespace
}  // namespace coolsd::simt
