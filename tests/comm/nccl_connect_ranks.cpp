// How the ranks of a run connect their GPUs, and end where that fails; NCCL is a fake. Run under
// mpirun with 1, 2 and 3 ranks.
#include "lib/comm/nccl_connect.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "lib/base/errors.h"
#include "tests/support/fake_nccl.h"

namespace precis {

World* world = nullptr;  // made in main: MPI lives as long as the process

namespace {

using testing::FakeNccl;
using testing::kNever;
using testing::kRemoteError;
using testing::kSystemError;

bool is_last_rank() {
  return world->rank() == world->size() - 1;
}

class NcclConnect : public ::testing::Test {
 protected:
  void TearDown() override { world->barrier(); }

  /// The words of the SharedError that connecting ends in.
  std::string error_of_all(double grace_seconds = 60) {
    try {
      connect_together(*world, session, grace_seconds);
    } catch (const SharedError& error) {
      EXPECT_EQ(error.code(), ExitCode::kDevice);
      return error.what();
    }
    return "(no error)";
  }
  /// Every rank's words are the root's.
  static void expect_said_once(const std::string& words, const std::string& reason) {
    EXPECT_EQ(words, world->broadcast(words));
    const size_t first = words.find(reason);
    ASSERT_NE(first, std::string::npos) << words;
    EXPECT_EQ(words.find(reason, first + 1), std::string::npos) << words;
  }

  double seconds = 60;
  FakeNccl fake;
  NcclSession session{fake, [this] { return seconds; }};
};

TEST_F(NcclConnect, AllFindEachOther) {
  fake.looks = is_last_rank() ? 500 : 10;
  connect_together(*world, session);
  EXPECT_EQ(fake.count("init the id"), 1);
  EXPECT_EQ(fake.count("unique_id"), world->is_root() ? 1 : 0);
  session.all_reduce(nullptr, 8);
  session.wait();
}

TEST_F(NcclConnect, AnIdThatCannotBeMadeIsSaidOnce) {
  fake.id_result = kSystemError;
  expect_said_once(error_of_all(), "make its id");
  EXPECT_EQ(fake.count("init the id"), 0);
}

TEST_F(NcclConnect, WhatAllSayIsSaidOnce) {
  fake.init_result = kSystemError;
  const std::string words = error_of_all();
  expect_said_once(words, "unhandled system error");
  EXPECT_EQ(words.find("rank 0"), std::string::npos) << words;
}

TEST_F(NcclConnect, TheReasonOfOneRankIsAmongThoseOfAll) {
  fake.looks = 100;
  if (is_last_rank())
    fake.init_result = kSystemError;
  else
    fake.init_state = kRemoteError;
  const std::string words = error_of_all();
  expect_said_once(words, "unhandled system error");
  if (world->size() > 1) {
    expect_said_once(words, "remote process exited");
    expect_said_once(words, "rank 0: ");
  }
}

TEST_F(NcclConnect, ThoseThatFoundTheirPeersThrowAsWell) {
  if (is_last_rank()) fake.init_result = kSystemError;
  expect_said_once(error_of_all(), "unhandled system error");
  EXPECT_EQ(fake.has_communicator(), !is_last_rank());
}

TEST_F(NcclConnect, ARankThatFailsDoesNotWaitForThoseThatLookForIt) {
  if (world->size() == 1) GTEST_SKIP() << "nobody looks for it";
  if (!is_last_rank()) {
    fake.looks = kNever;
    seconds = 2;
    EXPECT_NE(error_of_all().find("within 2 s"), std::string::npos);
    return;
  }
  fake.init_result = kSystemError;
  const auto began = std::chrono::steady_clock::now();
  try {
    connect_together(*world, session, /*grace_seconds=*/0.1);
    FAIL() << "it connected";
  } catch (const SharedError& error) {
    ADD_FAILURE() << error.what();
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("unhandled system error"), std::string::npos);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1500));
  world->all_gather("");  // the process would end here; the others are to come to an end as well
}

TEST_F(NcclConnect, HereAreTheRanksThatWereStarted) {
  ASSERT_NE(std::getenv("PRECIS_TEST_RANKS"), nullptr);
  EXPECT_EQ(world->size(), std::atoi(std::getenv("PRECIS_TEST_RANKS")));
}

}  // namespace
}  // namespace precis

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  precis::World world;
  world.set_timeout(60);  // of those that a mistake leaves alone
  precis::world = &world;
  return RUN_ALL_TESTS();
}
