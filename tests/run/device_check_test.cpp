// What a run does where its GPU computes something else than the CPU.
#include "lib/run/device_check.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace precis {
namespace {

TEST(DeviceCheck, WhatDiffersIsToldAndTheRunGoesOnWithoutOurKernels) {
  World world;
  Log log(/*is_root=*/true);
  const at::Tensor any = at::zeros({1});
  {
    ::testing::internal::CaptureStderr();
    const auto guard =
        agree_on_route(world, "Tesla T4", {{"norm", 1e-6, 1e-3, {}}, {"GELU", 0.5, 1e-3, {}}}, log);
    const std::string said = ::testing::internal::GetCapturedStderr();
    ASSERT_NE(guard, nullptr);
    EXPECT_EQ(ops::route_of(any), ops::Route::kComposed);
    for (const char* part : {"Tesla T4", "GELU: 0.5 apart", "report"})
      EXPECT_NE(said.find(part), std::string::npos) << said;
    EXPECT_EQ(said.find("norm"), std::string::npos) << said;
  }
  EXPECT_EQ(ops::route_of(any), ops::Route::kCpu);
  EXPECT_EQ(agree_on_route(world, "Tesla T4", {{"norm", 1e-6, 1e-3, {}}}, log), nullptr);
  EXPECT_EQ(check_device(world, DeviceSetup{}, ops::SelfTest::kShort, log), nullptr);
}

}  // namespace
}  // namespace precis
