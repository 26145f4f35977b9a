// Ranks that work at their own pace. Run under mpirun with 1, 2 and 3 ranks. A wrong world size
// fails: it does not skip.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/comm/work_rounds.h"
#include "lib/comm/world.h"

namespace precis {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

World* world = nullptr;  // made in main: MPI lives as long as the process

void work(std::chrono::milliseconds time) {
  const timespec nap{time.count() / 1000, time.count() % 1000 * 1'000'000};
  ::nanosleep(&nap, nullptr);
}

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

/// What the root got of each rank, whose pieces are its letter and a number.
class Received {
 public:
  void operator()(std::string_view pieces) {
    ++num_calls;
    for (size_t at = 0; at < pieces.size(); at += kSize) {
      const std::string piece(pieces.substr(at, kSize));
      ASSERT_EQ(piece.size(), kSize);
      numbers[piece[0]].push_back(std::stoi(piece.substr(1)));
    }
  }
  static std::string piece(int rank, int number) {
    const std::string digits = std::to_string(1000 + number);
    return std::string(1, static_cast<char>('a' + rank)) + digits;
  }
  std::map<char, std::vector<int>> numbers;
  int num_calls = 0;

 private:
  static constexpr size_t kSize = 5;
};

TEST(WorkRounds, HasTheRanksThatWereStarted) {
  ASSERT_NE(std::getenv("PRECIS_TEST_RANKS"), nullptr);
  EXPECT_EQ(world->size(), std::atoi(std::getenv("PRECIS_TEST_RANKS")));
}

TEST(WorkRounds, TheRootGetsAllInTheOrderOfEachRank) {
  Received received;
  WorkRounds rounds(
      *world, {.receive = [&](std::string_view pieces) { received(pieces); }, .interval = 5ms});
  const int count = 20 + 20 * world->rank();  // unlike work
  for (int i = 0; i < count; ++i) {
    work(2ms);
    rounds.give(Received::piece(world->rank(), i));
    EXPECT_FALSE(rounds.should_stop());
  }
  EXPECT_TRUE(rounds.finish(true));
  if (!world->is_root()) {
    EXPECT_EQ(received.num_calls, 0);
    return;
  }
  ASSERT_EQ(received.numbers.size(), static_cast<size_t>(world->size()));
  for (int rank = 0; rank < world->size(); ++rank) {
    const auto& numbers = received.numbers[static_cast<char>('a' + rank)];
    ASSERT_EQ(numbers.size(), static_cast<size_t>(20 + 20 * rank));
    for (size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], 1000 + static_cast<int>(i));
  }
  EXPECT_GT(received.num_calls, world->size()) << "not at the end alone";
}

TEST(WorkRounds, WithoutWorkItIsOverAtOnce) {
  const auto began = Clock::now();
  for (int i = 0; i < 3; ++i) {
    WorkRounds rounds(*world, {});
    EXPECT_TRUE(rounds.finish(true));
  }
  EXPECT_LT(seconds_since(began), 5);
}

TEST(WorkRounds, OneThatStopsStopsAll) {
  for (int who = 0; who < world->size(); ++who) {
    Received received;
    const auto began = Clock::now();
    const bool asked = who == world->rank();
    WorkRounds rounds(*world,
                      {.stop_requested = [&] { return asked && seconds_since(began) > 0.1; },
                       .receive = [&](std::string_view pieces) { received(pieces); },
                       .interval = 20ms});
    int given = 0;
    while (!rounds.should_stop() && seconds_since(began) < 60) {
      work(5ms);
      rounds.give(Received::piece(world->rank(), given++));
    }
    EXPECT_LT(seconds_since(began), 30);
    EXPECT_FALSE(rounds.finish(false));
    double counts[] = {0, 0, 0};
    counts[world->rank()] = given;
    world->sum(counts);
    if (!world->is_root()) continue;
    for (int rank = 0; rank < world->size(); ++rank)
      EXPECT_EQ(static_cast<double>(received.numbers[static_cast<char>('a' + rank)].size()),
                counts[rank])
          << "what was done before the stop is not lost";
  }
}

TEST(WorkRounds, OneThatWaitsForTheOthersIsHeard) {
  if (world->size() == 1) return;  // nobody to wait for
  const auto began = Clock::now();
  const bool asked = world->rank() == world->size() - 1;  // and has nothing to do itself
  WorkRounds rounds(*world, {.stop_requested = [&] { return asked && seconds_since(began) > 0.2; },
                             .interval = 20ms});
  if (!asked)
    while (!rounds.should_stop() && seconds_since(began) < 60) work(5ms);
  EXPECT_FALSE(rounds.finish(asked));
  EXPECT_LT(seconds_since(began), 30);
}

TEST(WorkRounds, WhatIsDoneIsDoneThoughASignalCame) {
  WorkRounds rounds(*world, {.stop_requested = [] { return true; }});
  EXPECT_TRUE(rounds.should_stop());
  EXPECT_TRUE(rounds.finish(true));
}

TEST(WorkRounds, NobodyWaitsForASlowRank) {
  namespace fs = std::filesystem;
  const fs::path folder = world->broadcast(
      (fs::temp_directory_path() / ("work_rounds_" + std::to_string(::getpid()))).string());
  fs::create_directories(folder);
  WorkRounds rounds(*world, {.interval = 1ms});
  if (world->is_root()) {  // in a piece of work that lasts until the others are through with theirs
    const auto began = Clock::now();
    const auto through = [&] { return std::distance(fs::directory_iterator(folder), {}); };
    while (through() < world->size() - 1 && seconds_since(began) < 60) work(5ms);
    EXPECT_EQ(through(), world->size() - 1);
  } else {
    for (int i = 0; i < 20; ++i) {
      work(2ms);
      EXPECT_FALSE(rounds.should_stop());
    }
    std::ofstream(folder / std::to_string(world->rank()));
  }
  EXPECT_TRUE(rounds.finish(true));
  if (world->is_root()) fs::remove_all(folder);
}

}  // namespace
}  // namespace precis

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  precis::World world;
  world.set_timeout(90);  // of those that a mistake leaves alone
  precis::world = &world;
  return RUN_ALL_TESTS();
}
