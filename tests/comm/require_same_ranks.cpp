// What ranks must have in common, and how a call of NCCL that never returns ends them all. Run
// under mpirun with 1, 2 and 3 ranks.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "lib/comm/guarded_nccl.h"
#include "lib/comm/nccl_session.h"
#include "lib/comm/require_same.h"
#include "tests/support/fake_nccl.h"

namespace precis {

World* world = nullptr;  // made in main: MPI lives as long as the process

namespace {

bool is_last_rank() {
  return world->rank() == world->size() - 1;
}

/// What comparing ends in, the same on all ranks.
std::string said(const Compared& mine, ExitCode code) {
  try {
    require_same(*world, mine, {code, "copy it"});
  } catch (const SharedError& error) {
    EXPECT_EQ(error.code(), code);
    EXPECT_EQ(world->broadcast(error.what()), error.what());
    return error.what();
  }
  return "";
}

TEST(RequireSame, WhatIsTheSamePasses) {
  EXPECT_EQ(said({{"the rows", "12"}, {"any bytes", "\xFF\n"}}, ExitCode::kData), "");
}

TEST(RequireSame, ADifferenceNamesRankThingAndValues) {
  const std::string words =
      said({{"the rows", "12"}, {"the words", is_last_rank() ? "9" : "7"}}, ExitCode::kConfig);
  if (world->size() == 1) {
    EXPECT_EQ(words, "");
    return;
  }
  const std::string rank = "rank " + std::to_string(world->size() - 1) + " (on ";
  for (const std::string& part :
       {rank, std::string(") differs from rank 0"),
        std::string("in the words: 9 there, 7 on rank 0 (on "), std::string("): copy it")})
    EXPECT_NE(words.find(part), std::string::npos) << words;
  EXPECT_EQ(words.find("the rows"), std::string::npos) << words;
}

TEST(RequireSame, WhatARankLacksIsADifference) {
  Compared mine{{"the rows", "12"}};
  if (!is_last_rank()) mine.emplace_back("the words", "7");
  const std::string words = said(mine, ExitCode::kData);
  EXPECT_EQ(words.find("the words: nothing there, 7 on rank 0") != std::string::npos,
            world->size() > 1)
      << words;
}

/// An abort that hangs, as NCCL's did when a peer was dead.
class SilentNccl : public testing::FakeNccl {
 public:
  int abort() override {
    for (;;) ::sleep(1);
  }
};

/// What a rank of a run with NCCL does whose peer has died: it ends, by the world's deadline, with
/// exit code 4, although NCCL's abort does not return.
void end_by_deadline() {
  world->set_timeout(1);
  SilentNccl nccl;
  GuardedNccl guarded(nccl, world->impl());
  NcclSession session(guarded, [] { return 0.1; });
  session.connect(2, "the id", world->rank());
  nccl.looks_at_end = testing::kNever;
  session.all_reduce(nullptr, 8);
  session.wait();
}

TEST(RequireSame, HereAreTheRanksThatWereStarted) {
  ASSERT_NE(std::getenv("PRECIS_TEST_RANKS"), nullptr);
  EXPECT_EQ(world->size(), std::atoi(std::getenv("PRECIS_TEST_RANKS")));
}

}  // namespace
}  // namespace precis

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  precis::World world;
  precis::world = &world;
  if (argc > 1 && std::string(argv[1]) == "end") precis::end_by_deadline();
  return RUN_ALL_TESTS();
}
