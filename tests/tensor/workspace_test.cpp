#include "lib/tensor/workspace.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace precis {
namespace {

TEST(Workspace, TakesTheSameMemoryAgainOnceItKnowsHowMuch) {
  Workspace workspace;
  const void* places[3];
  for (const void*& place : places) {
    const Workspace::Mark mark(workspace);
    at::Tensor a = workspace.take({100, 3}, at::kFloat);
    {
      const Workspace::Mark inner(workspace);
      workspace.take({1000}, at::kFloat).fill_(1);
    }
    a.fill_(2);
    const at::Tensor b = workspace.take({1000}, at::kBFloat16).fill_(3);
    EXPECT_EQ(a.sum().item<float>(), 600);
    EXPECT_EQ(b.to(at::kFloat).sum().item<float>(), 3000);
    place = a.data_ptr();
  }
  EXPECT_EQ(places[1], places[2]);
  EXPECT_EQ(workspace.peak_bytes(), 1280 + 4096);  // in steps of 256
}

TEST(Workspace, SettlesWhereItThenStays) {
  Workspace workspace;
  const auto use = [&](int64_t numel) {
    const Workspace::Mark mark(workspace);
    workspace.take({8}, at::kFloat);
    return workspace.take({numel}, at::kFloat).data_ptr();
  };
  EXPECT_EQ(workspace.settle(), 0);
  use(1000);
  EXPECT_EQ(workspace.settle(), 1);
  const void* place = use(1000);
  EXPECT_EQ(use(10), place);
  EXPECT_EQ(workspace.settle(), 1);
  EXPECT_EQ(use(1000), place);
  use(5000);  // not all of it in one piece
  EXPECT_EQ(workspace.settle(), 2);
  use(5000);
  EXPECT_EQ(workspace.settle(), 2);
}

TEST(Workspace, LetsGoWithoutAskingForMore) {
  // Where there is no memory left, the marks on the way out must not want any.
  Workspace workspace;
  const auto too_much = [&] {
    const Workspace::Mark mark(workspace);
    workspace.take({1000}, at::kFloat);
    workspace.take({int64_t{1} << 52}, at::kByte);
  };
  EXPECT_ANY_THROW(too_much());
  EXPECT_NO_THROW(workspace.take({1000}, at::kFloat));  // and what is possible still is
}

}  // namespace
}  // namespace precis
