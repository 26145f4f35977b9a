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
  std::vector<RankView> views{{0, 0, {{"a", "GPU", 9, 0}}}, {0, 1, {{"b", "GPU", 9, 0}}}};
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

VisibleGpu p100(const std::string& uuid) {
  return {uuid, "Tesla P100-PCIE-16GB", 6, 0};
}
VisibleGpu t4(const std::string& uuid) {
  return {uuid, "Tesla T4", 7, 5};
}

void expect_words(const std::string& text, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    EXPECT_NE(text.find(word), std::string::npos) << "'" << word << "' is not in: " << text;
}

void expect_p100_refused(const std::vector<RankView>& ranks, const std::string& device,
                         const std::string& backend = "auto") {
  try {
    plan_devices(ranks, device, backend);
    ADD_FAILURE() << "no error with " << device;
  } catch (const DeviceError& error) {
    expect_words(error.what(), {"Tesla P100-PCIE-16GB (sm_60)", "below sm_75",
                                "choose T4 in the notebook's accelerator menu", "run.device=cpu"});
  }
}

TEST(PlanDevices, AGpuThatLibTorchHasNoCodeForIsRefusedByName) {
  for (const char* device : {"auto", "cuda"}) {
    expect_p100_refused({{0, 0, {p100("a")}}}, device);
    expect_p100_refused({{0, 0, {p100("a")}}, {0, 1, {p100("a")}}}, device);
    expect_p100_refused({{0, 0, {t4("b")}}, {0, 1, {p100("a")}}}, device);
  }
  EXPECT_FALSE(plan_devices({{0, 0, {p100("a")}}}, "cpu", "auto").on_gpu);
  EXPECT_TRUE(plan_devices({{0, 0, {t4("a")}}}, "auto", "auto").on_gpu);
  EXPECT_THROW(plan_devices({{0, 0, {{"a", "Tesla V100", 7, 0}}}}, "auto", "auto"), DeviceError);
}

TEST(PlanDevices, AnOldGpuBesideNewOnesIsPassedOver) {
  const std::vector<VisibleGpu> gpus{p100("a"), t4("b"), t4("c")};
  const DevicePlan plan = plan_devices({{0, 0, gpus}, {0, 1, gpus}}, "auto", "auto");
  EXPECT_EQ(plan.index, (std::vector<int>{1, 2}));
  EXPECT_EQ(plan.sharing, (std::vector<int>{1, 1}));
  EXPECT_EQ(plan.num_gpus, 2);
  EXPECT_EQ(plan_devices({{0, 0, gpus}}, "auto", "auto").index, (std::vector<int>{1}));
}

TEST(PlanDevices, WhereTheOldGpuWouldBeNeededItIsNamed) {
  const std::vector<VisibleGpu> gpus{p100("a"), t4("b")};
  expect_p100_refused({{0, 0, gpus}, {0, 1, gpus}}, "auto");
  EXPECT_EQ(plan_devices({{0, 0, gpus}, {0, 1, gpus}}, "auto", "mpi").index,
            (std::vector<int>{1, 1}));
}

TEST(OldDriver, OneOfCuda12IsToldWhichTorchWouldDo) {
  expect_words(
      describe_old_driver("535.104.05", 12020, 13000),
      {"535.104.05", "CUDA up to 12.2", "CUDA 13.0", "A LibTorch for CUDA 12.8 works with it",
       "PRECIS_TORCH_VERSION=2.10.0 launch/setup.sh", "pip install torch==2.10.0",
       "update the driver to 580 or newer (CUDA 13 needs it)"});
}

TEST(OldDriver, OneThatIsTooOldForAnyTorchMustBeUpdated) {
  for (const int runtime : {12080, 13000}) {
    const std::string words = describe_old_driver("470.82.01", 11040, runtime);
    expect_words(words, {"470.82.01", "CUDA up to 11.4",
                         runtime == 13000 ? "Update the driver to 580" : "Update the driver to 525",
                         "run.device=cpu"});
    EXPECT_EQ(words.find("2.10.0"), std::string::npos) << words;
  }
}

TEST(OldDriver, OneWhoseLibraryIsNotThereIsNotCalledOld) {
  const std::string words = describe_old_driver("", 0, 13000);
  expect_words(words, {"of unknown version", "libcuda.so.1", "--gpus all"});
  EXPECT_EQ(words.find("too old"), std::string::npos) << words;
}

}  // namespace
}  // namespace precis
