// Run under mpirun with 1, 2 and 3 ranks. A wrong world size fails: it does not skip.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lib/comm/collectives.h"
#include "lib/comm/devices.h"
#include "lib/comm/mpi_collectives.h"
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

/// What the fake device did; outlives it.
struct CopyLog {
  int pins = 0, unpins = 0, to_host = 0, to_device = 0, elsewhere = 0;
};

/// A made-up device whose memory is the host's. As on a GPU, work that is enqueued has not happened
/// yet: here it happens when a copy is made to follow it.
class FakeCopies : public DeviceCopies {
 public:
  explicit FakeCopies(CopyLog& log) : log_(log) {}

  void enqueue(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }

  bool concerns(const at::Tensor&) const override { return true; }
  void pin(float* memory, int64_t) override {
    memory_ = memory;
    ++log_.pins;
  }
  void unpin(float* memory) override { log_.unpins += memory == memory_ ? 1 : 100; }
  std::unique_ptr<Mark> mark() override {
    const std::lock_guard lock(mutex_);
    auto mark = std::make_unique<Count>();
    mark->enqueued = work_.size();
    return mark;
  }
  void follow(Mark& mark) override {
    const std::lock_guard lock(mutex_);
    for (; done_ < static_cast<Count&>(mark).enqueued; ++done_) work_[done_]();
  }
  void to_host(const at::Tensor& part, float* host) override {
    copy(host, part.data_ptr<float>(), part.numel(), host);
    ++log_.to_host;
  }
  void to_device(const float* host, const at::Tensor& part) override {
    copy(part.data_ptr<float>(), host, part.numel(), host);
    ++log_.to_device;
  }

 private:
  struct Count : Mark {
    size_t enqueued = 0;
  };

  void copy(float* to, const float* from, int64_t numel, const float* host) {
    if (host != memory_) ++log_.elsewhere;
    std::memcpy(to, from, static_cast<size_t>(numel) * sizeof(float));
  }

  CopyLog& log_;
  float* memory_ = nullptr;
  std::mutex mutex_;
  std::vector<std::function<void()>> work_;
  size_t done_ = 0;
};

/// What each rank brings, such that the order of summing shows in the bits.
at::Tensor uneven(int rank, int64_t numel) {
  return at::arange(numel, at::kDouble).mul(0.37 + rank).sin().mul(1 + 1000 * rank).to(at::kFloat);
}

TEST(Collectives, WhatADeviceComputesIsSummedOnTheHostInOneOrder) {
  CopyLog log;
  const int64_t n = 2'500'001;  // several times the host memory
  const at::Tensor tensor = at::zeros({n});
  {
    auto copies = std::make_unique<FakeCopies>(log);
    FakeCopies& device = *copies;
    MpiCollectives collectives(*world, std::move(copies));
    const int64_t sizes[] = {1, 77'000, n - 77'001};
    int64_t begin = 0;
    for (const int64_t size : sizes) {
      const at::Tensor part = tensor.narrow(0, begin, size);
      device.enqueue([part, begin, n] {
        at::Tensor(part).copy_(uneven(world->rank(), n).narrow(0, begin, part.numel()));
      });
      collectives.start_all_reduce(part);
      begin += size;
    }
    collectives.wait();
  }
  at::Tensor expected = uneven(0, n);
  for (int r = 1; r < world->size(); ++r) expected = expected + uneven(r, n);
  EXPECT_TRUE(at::equal(tensor, expected));
  EXPECT_EQ(log.pins, 1);
  EXPECT_EQ(log.unpins, 1);
  EXPECT_EQ(log.elsewhere, 0);
  EXPECT_GT(log.to_host, 3) << "no piece was larger than the host memory";
  EXPECT_EQ(log.to_host, log.to_device);
}

TEST(Devices, OneMadeUpGpuForAllRanksLeavesTheRootAlone) {
  const DevicePlan plan = agree_on_devices(*world, {{"uuid-0", "made up", 9, 0}}, "auto", "auto");
  EXPECT_TRUE(plan.on_gpu);
  EXPECT_EQ(plan.num_gpus, 1);
  EXPECT_EQ(plan.root_alone, world->size() > 1);
  EXPECT_EQ(plan.backend, "local");
}

/// The words of the SharedError that this ends in.
std::string shared_error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const SharedError& error) {
    EXPECT_EQ(error.code(), ExitCode::kDevice);
    return error.what();
  }
  return "(no SharedError)";
}

TEST(Devices, APlanThatFailsIsOneErrorOfAllRanks) {
  EXPECT_EQ(shared_error_of([] { agree_on_devices(*world, {}, "auto", "nccl"); }),
            "comm.backend is nccl, which needs GPUs, and the run is on CPUs: leave it on auto");
  world->barrier();
}

TEST(Devices, ADriverThatFailsOnAllRanksIsSaidWithoutOne) {
  const auto look = []() -> std::vector<VisibleGpu> { throw DeviceError("the driver is too old"); };
  EXPECT_EQ(shared_error_of([&] { visible_gpus_of_all(*world, look); }), "the driver is too old");
}

TEST(Devices, ADriverThatFailsOnOneRankIsSaidWithIt) {
  const int guilty = world->size() - 1;
  const auto look = [guilty]() -> std::vector<VisibleGpu> {
    if (world->rank() == guilty) throw DeviceError("the driver is too old");
    return {{"uuid-0", "made up", 9, 0}};
  };
  const std::string words = shared_error_of([&] { visible_gpus_of_all(*world, look); });
  if (world->size() == 1) {
    EXPECT_EQ(words, "the driver is too old");
    return;
  }
  EXPECT_EQ(words.find("rank " + std::to_string(guilty) + " (on "), 0U) << words;
  EXPECT_NE(words.find("): the driver is too old"), std::string::npos) << words;
}

TEST(Devices, EachRankGetsWhatItSeesItself) {
  const std::string mine = "uuid-" + std::to_string(world->rank());
  const auto look = [&]() -> std::vector<VisibleGpu> { return {{mine, "made up", 9, 0}}; };
  const std::vector<VisibleGpu> gpus = visible_gpus_of_all(*world, look);
  ASSERT_EQ(gpus.size(), 1U);
  EXPECT_EQ(gpus[0].uuid, mine);
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
