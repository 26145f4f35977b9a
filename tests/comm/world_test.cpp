// Run under mpirun with 1, 2 and 3 ranks. A wrong world size fails: it does not skip.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include "lib/comm/collectives.h"
#include "lib/comm/devices.h"
#include "lib/comm/world.h"

namespace precis {
namespace {

World* world = nullptr;  // made in main: MPI lives as long as the process

TEST(World, HasTheRanksThatWereStarted) {
  ASSERT_NE(std::getenv("PRECIS_TEST_RANKS"), nullptr);
  EXPECT_EQ(world->size(), std::atoi(std::getenv("PRECIS_TEST_RANKS")));
  EXPECT_EQ(world->local_size(), world->size());
  EXPECT_EQ(world->num_nodes(), 1);
}

TEST(World, SumsGathersAndBroadcasts) {
  double values[] = {1.0, static_cast<double>(world->rank())};
  world->sum(values);
  EXPECT_EQ(values[0], world->size());
  EXPECT_EQ(values[1], world->size() * (world->size() - 1) / 2);
  const auto all = world->all_gather(
      std::string(static_cast<size_t>(world->rank()) * 3, 'a' + static_cast<char>(world->rank())));
  ASSERT_EQ(all.size(), static_cast<size_t>(world->size()));
  for (int r = 0; r < world->size(); ++r)
    EXPECT_EQ(all[static_cast<size_t>(r)],
              std::string(static_cast<size_t>(r) * 3, 'a' + static_cast<char>(r)));
  EXPECT_EQ(world->gather("x").size(), world->is_root() ? static_cast<size_t>(world->size()) : 0U);
  EXPECT_EQ(world->broadcast(world->is_root() ? "from the root" : "something else"),
            "from the root");
}

TEST(World, AnErrorOfOneRankIsThrownByAll) {
  const int guilty = world->size() - 1;
  try {
    world->together([&] {
      if (world->rank() == guilty) throw DataError("file.csv: row 3");
    });
    FAIL() << "nothing was thrown";
  } catch (const SharedError& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_STREQ(error.what(), "file.csv: row 3");
  }
  world->together([] {});
}

/// What together() throws when this is part of its work, on every rank or on one.
std::string refusal(const std::function<void()>& call, bool on_all) {
  try {
    world->together([&] {
      if (on_all || world->is_root()) call();
    });
  } catch (const SharedError& error) {
    EXPECT_EQ(error.code(), ExitCode::kOther);
    return error.what();
  }
  return "(nothing was thrown)";
}

TEST(World, TogetherRefusesCollectivesOnEveryRank) {
  const auto collectives = make_collectives(world->size() > 1 ? "mpi" : "local", *world, at::kCPU);
  double one[] = {1.0};
  const at::Tensor tensor = at::ones({3});
  const std::pair<const char*, std::function<void()>> calls[] = {
      {"World.sum", [&] { world->sum(one); }},
      {"World.all_gather", [&] { world->all_gather("x"); }},
      {"World.gather", [&] { world->gather("x"); }},
      {"World.broadcast", [&] { world->broadcast("x"); }},
      {"World.barrier", [&] { world->barrier(); }},
      {"World.together", [&] { world->together([] {}); }},
      {"World.continue_with_root", [&] { world->continue_with_root(); }},
      {"World.wait_as_spare", [&] { world->wait_as_spare(); }},
      {"make_collectives", [&] { make_collectives("mpi", *world, at::kCPU); }},
      {"Collectives.allocate", [&] { collectives->allocate(3, at::kCPU); }},
      {"Collectives.start_all_reduce", [&] { collectives->start_all_reduce(tensor); }},
      {"Collectives.wait", [&] { collectives->wait(); }},
  };
  for (const auto& [name, call] : calls)
    for (const bool on_all : {true, false})
      EXPECT_EQ(refusal(call, on_all),
                "internal error: " + std::string(name) +
                    " is collective, but was called in the work of World.together; please report "
                    "it with the command line");
  // Also after work that failed they are allowed again, and the ranks are still in step.
  world->sum(one);
  EXPECT_EQ(one[0], world->size());
  collectives->start_all_reduce(tensor);
  collectives->wait();
  EXPECT_TRUE(at::equal(tensor, at::full({3}, static_cast<double>(world->size()))));
}

TEST(Collectives, SumsAreExactForEveryPlaceAndTheSameOnAllRanks) {
  const auto collectives = make_collectives(world->size() > 1 ? "mpi" : "local", *world, at::kCPU);
  const int64_t n = 100'003;
  const at::Tensor shared = collectives->allocate(n, at::kCPU), own = at::zeros({n});
  EXPECT_EQ(shared.abs().sum().item<float>(), 0);
  const auto ranks = static_cast<float>(world->size());
  for (int round = 0; round < 3; ++round) {
    for (const at::Tensor& buffer : {shared, own}) {
      at::Tensor(buffer).copy_(at::arange(n).remainder(1000).add(world->rank()));
      // Pieces of odd sizes, all begun before any is waited for.
      for (int64_t begin = 0, size = 1; begin < n; begin += size, size = size * 5 + 2)
        collectives->start_all_reduce(buffer.narrow(0, begin, std::min(size, n - begin)));
    }
    collectives->wait();
    const at::Tensor expected =
        at::arange(n).remainder(1000).mul(ranks).add(ranks * (ranks - 1) / 2).to(at::kFloat);
    EXPECT_TRUE(at::equal(shared, expected));
    EXPECT_TRUE(at::equal(own, expected));
  }
}

TEST(Devices, OneMadeUpGpuForAllRanksLeavesTheRootAlone) {
  const DevicePlan plan = agree_on_devices(*world, {{"uuid-0", "made up"}}, "auto", "auto");
  EXPECT_TRUE(plan.on_gpu);
  EXPECT_EQ(plan.num_gpus, 1);
  EXPECT_EQ(plan.root_alone, world->size() > 1);
  EXPECT_EQ(plan.backend, "local");
}

}  // namespace

/// The fall-back as the trainer does it: spare ranks wait at no cost until the root ends. Returns a
/// spare's exit code.
int wait_like_a_spare_rank() {
  world->continue_with_root();
  if (world->is_root()) {
    ::usleep(1'500'000);  // the root's work
    double values[] = {5.0};
    world->sum(values);  // alone: comes back at once
    return values[0] == 5.0 && world->size() == 1 ? 0 : 1;
  }
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  world->wait_as_spare();
  ::getrusage(RUSAGE_SELF, &after);
  const auto seconds = [](const rusage& r) {
    return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
  };
  const double used = seconds(after) - seconds(before);
  if (used > 0.3) std::fprintf(stderr, "a spare rank used %.2f s of CPU while it waited\n", used);
  return used > 0.3 ? 1 : 0;
}

}  // namespace precis

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  precis::World world;
  precis::world = &world;
  const int failed = RUN_ALL_TESTS();
  return failed + precis::wait_like_a_spare_rank();
}
