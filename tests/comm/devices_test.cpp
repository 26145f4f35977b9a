// Who computes where is a pure function of what the ranks see.
#include "lib/comm/devices.h"

#include <gtest/gtest.h>

namespace precis {
namespace {

/// Ranks of one node that all see these GPUs.
std::vector<RankView> node(int ranks, const std::vector<std::string>& uuids, int number = 0) {
  std::vector<RankView> views;
  for (int r = 0; r < ranks; ++r) {
    RankView view{number, r, {}};
    for (const std::string& uuid : uuids) view.gpus.push_back({uuid, "GPU", 9, 0});
    views.push_back(view);
  }
  return views;
}

TEST(PlanDevices, OneRankAGpu) {
  const DevicePlan plan = plan_devices(node(2, {"a", "b"}), "auto", "auto");
  EXPECT_EQ(plan.index, (std::vector<int>{0, 1}));
  EXPECT_EQ(plan.backend, "nccl");
  EXPECT_EQ(plan.sharing, (std::vector<int>{1, 1}));
  EXPECT_FALSE(plan.root_alone);
}

TEST(PlanDevices, SlurmGivesEachTaskOneGpuOfItsOwn) {
  std::vector<RankView> views{{0, 0, {{"a", "GPU"}}}, {0, 1, {{"b", "GPU"}}}};
  const DevicePlan plan = plan_devices(views, "auto", "auto");
  EXPECT_EQ(plan.index, (std::vector<int>{0, 0}));
  EXPECT_EQ(plan.num_gpus, 2);
  EXPECT_FALSE(plan.root_alone);
}

TEST(PlanDevices, TwoNodesWithOneGpuEachAreTwo) {
  std::vector<RankView> views = node(1, {"a"});
  views.push_back(node(1, {"b"}, 1)[0]);
  EXPECT_EQ(plan_devices(views, "auto", "auto").backend, "nccl");
  EXPECT_EQ(plan_devices(views, "auto", "auto").num_gpus, 2);
}

TEST(PlanDevices, OneGpuForTwoRanksFallsBackUnlessSharingIsAskedFor) {
  EXPECT_TRUE(plan_devices(node(2, {"a"}), "auto", "auto").root_alone);
  const DevicePlan shared = plan_devices(node(2, {"a"}), "auto", "mpi");
  EXPECT_FALSE(shared.root_alone);
  EXPECT_EQ(shared.backend, "mpi");
  EXPECT_EQ(shared.sharing, (std::vector<int>{2, 2}));
}

TEST(PlanDevices, MoreRanksThanGpusIsAnErrorWithBothNumbersAndBothRemedies) {
  try {
    plan_devices(node(3, {"a", "b"}), "auto", "auto");
    FAIL() << "no error";
  } catch (const DeviceError& error) {
    const std::string words = error.what();
    for (const char* part : {"3 ranks", "2 GPU", "start 2 ranks", "comm.backend=mpi"})
      EXPECT_NE(words.find(part), std::string::npos) << words;
  }
}

TEST(PlanDevices, WithoutGpusRanksAreOnTheCpu) {
  EXPECT_EQ(plan_devices(node(2, {}), "auto", "auto").backend, "mpi");
  EXPECT_EQ(plan_devices(node(1, {}), "auto", "auto").backend, "local");
  EXPECT_FALSE(plan_devices(node(2, {"a", "b"}), "cpu", "auto").on_gpu);
  EXPECT_THROW(plan_devices(node(1, {}), "cuda", "auto"), DeviceError);
  EXPECT_THROW(plan_devices(node(2, {}), "auto", "nccl"), DeviceError);
}

}  // namespace
}  // namespace precis
