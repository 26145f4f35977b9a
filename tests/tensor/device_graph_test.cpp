#include "lib/tensor/device_graph.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace precis {
namespace {

TEST(DeviceGraph, RunsItsWorkOnceWhenRecordedAndOnceForEachReplay) {
  const auto graph = make_device_graph(at::kCPU);
  const at::Tensor in = at::ones({3}), sum = at::zeros({3});
  graph->record([&] { at::Tensor(sum).add_(in); });
  at::Tensor(in).fill_(10);
  graph->replay();
  graph->replay();
  EXPECT_EQ(sum[1].item<float>(), 21);
}

TEST(DeviceGraph, CallsTheHostAtItsCutsInEveryRun) {
  const auto graph = make_device_graph(at::kCPU);
  std::string calls;
  graph->record([&] {
    calls += 'a';
    graph->cut([&] { calls += '|'; });
    calls += 'b';
  });
  graph->replay();
  EXPECT_EQ(calls, "a|ba|b");
}

TEST(DeviceGraph, RunsTheSameInSharedMemory) {
  const MakeDeviceGraph make = device_graphs_in_shared_memory();
  const auto one = make(at::kCPU), other = make(at::kCPU);
  const at::Tensor sum = at::zeros({3});
  one->record([sum] { at::Tensor(sum).add_(1); });
  other->record([sum] { at::Tensor(sum).mul_(10); });
  one->replay();
  EXPECT_EQ(sum[0].item<float>(), 11);
}

TEST(DeviceGraph, RecordsNothingWhereTheWorkFails) {
  const auto graph = make_device_graph(at::kCPU);
  EXPECT_THROW(graph->record([] { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_THROW(graph->replay(), std::bad_function_call);
}

}  // namespace
}  // namespace precis
