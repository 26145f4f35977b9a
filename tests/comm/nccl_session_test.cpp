// The life of an NCCL communicator, with a fake that is slow, fails, or never answers. Nothing here
// measures time: what never answers ends by its time-out.
#include "lib/comm/nccl_session.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "lib/base/errors.h"
#include "tests/support/fake_nccl.h"

namespace precis {
namespace {

using testing::FakeNccl;
using testing::kNever;
using testing::kRemoteError;
using testing::kSystemError;

class NcclSessionTest : public ::testing::Test {
 protected:
  NcclSessionTest() { make(); }
  void make() {
    session = std::make_unique<NcclSession>(fake, [this] { return seconds; });
  }

  /// The words of the DeviceError that this ends in.
  template <class Work>
  static std::string error_of(const Work& work) {
    try {
      work();
    } catch (const DeviceError& error) {
      return error.what();
    }
    return "(no error)";
  }
  void connect() { session->connect(2, "the id", 1); }
  void reduce() { session->all_reduce(nullptr, 8); }

  double seconds = 0.05;
  FakeNccl fake;
  std::unique_ptr<NcclSession> session;
};

void expect_words(const std::string& text, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    EXPECT_NE(text.find(word), std::string::npos) << "'" << word << "' is not in: " << text;
}

TEST_F(NcclSessionTest, ASlowOneThatAnswersEndsInGoodOrder) {
  seconds = 10;
  fake.looks = fake.looks_at_end = 200;
  EXPECT_EQ(session->unique_id(), "the id");
  connect();
  reduce();
  reduce();
  session->wait();
  session.reset();
  EXPECT_EQ(fake.calls,
            (std::vector<std::string>{"unique_id", "init the id", "all_reduce", "all_reduce",
                                      "mark_end", "finalize", "destroy"}));
}

TEST_F(NcclSessionTest, ASessionThatNeverConnectedLeavesNothingToEnd) {
  session.reset();
  EXPECT_TRUE(fake.calls.empty());
}

TEST_F(NcclSessionTest, AnIdThatCannotBeMade) {
  fake.id_result = kSystemError;
  expect_words(error_of([&] { session->unique_id(); }),
               {"make its id", "ncclGetUniqueId", "unhandled system error", "comm.backend=mpi"});
  session.reset();
  EXPECT_EQ(fake.count("abort"), 0);
}

TEST_F(NcclSessionTest, InitThatFailsAtOnceLeavesNothingToAbort) {
  fake.init_result = kSystemError;
  fake.last_error = "Duplicate GPU detected";
  expect_words(error_of([&] { connect(); }),
               {"connect the GPUs", "ncclCommInitRankConfig", "unhandled system error",
                "Duplicate GPU detected", "NCCL_DEBUG=INFO", "comm.backend=mpi"});
  session.reset();
  EXPECT_EQ(fake.count("abort") + fake.count("destroy"), 0);
}

TEST_F(NcclSessionTest, InitThatFailsUnderWayIsAbortedOnce) {
  seconds = 10;
  fake.looks = 100;
  fake.init_state = kRemoteError;
  const std::string words = error_of([&] { connect(); });
  expect_words(words, {"connect the GPUs", "remote process exited"});
  EXPECT_EQ(error_of([&] { reduce(); }), words);
  EXPECT_EQ(error_of([&] { session->wait(); }), words);
  session.reset();
  EXPECT_EQ(fake.count("abort"), 1);
  EXPECT_EQ(fake.count("finalize") + fake.count("destroy") + fake.count("all_reduce"), 0);
}

TEST_F(NcclSessionTest, InitThatNeverAnswersEndsByTheTimeout) {
  fake.looks = kNever;
  expect_words(error_of([&] { connect(); }), {"connect the GPUs within 0.05 s", "another rank",
                                              "ncclCommInitRankConfig", "comm.timeout_seconds"});
  session.reset();
  EXPECT_EQ(fake.count("abort"), 1);
}

TEST_F(NcclSessionTest, ASumThatIsRefused) {
  connect();
  fake.reduce_result = kSystemError;
  expect_words(error_of([&] { reduce(); }), {"sum gradients", "ncclAllReduce", "system error"});
  session.reset();
  EXPECT_EQ(fake.count("abort"), 1);
}

TEST_F(NcclSessionTest, ASumThatIsNeverTakenEndsByTheTimeout) {
  connect();
  fake.looks = kNever;
  expect_words(error_of([&] { reduce(); }), {"sum gradients within 0.05 s", "ncclAllReduce"});
  session.reset();
  EXPECT_EQ(fake.count("abort"), 1);
}

TEST_F(NcclSessionTest, AnErrorInFlightEndsTheWait) {
  seconds = 10;
  fake.looks_at_end = kNever;
  fake.flight_state = kRemoteError;
  connect();
  reduce();
  expect_words(error_of([&] { session->wait(); }), {"sum gradients", "remote process exited"});
  session.reset();
  EXPECT_EQ(fake.count("abort"), 1);
  EXPECT_EQ(fake.count("finalize"), 0);
}

TEST_F(NcclSessionTest, APeerThatDiedInFlightEndsByTheTimeout) {
  fake.looks_at_end = kNever;
  connect();
  reduce();
  expect_words(error_of([&] { session->wait(); }),
               {"sum gradients within 0.05 s", "another rank", "comm.timeout_seconds"});
  session.reset();
  EXPECT_EQ(fake.count("abort"), 1);
}

TEST_F(NcclSessionTest, AQuestionThatFailsIsNeverNoError) {
  seconds = 10;
  fake.looks_at_end = kNever;
  connect();
  reduce();
  fake.async_result = kSystemError;
  const std::string words = error_of([&] { session->wait(); });
  expect_words(words, {"unhandled system error"});
  EXPECT_EQ(words.find("no error"), std::string::npos) << words;
}

TEST_F(NcclSessionTest, TheHintThatNcclGivesItselfIsNotRepeated) {
  fake.init_result = kSystemError;
  fake.last_error = "run with NCCL_DEBUG=INFO for details";
  const std::string words = error_of([&] { connect(); });
  EXPECT_EQ(words.find("NCCL_DEBUG"), words.rfind("NCCL_DEBUG")) << words;
}

TEST_F(NcclSessionTest, SumsThatNobodyWaitedForAreAbortedAtOnce) {
  connect();
  reduce();
  session.reset();
  EXPECT_EQ(fake.count("finalize"), 0);
  EXPECT_EQ(fake.count("abort"), 1);
}

TEST_F(NcclSessionTest, AnExceptionDoesNotWaitForPeers) {
  try {
    const std::unique_ptr<NcclSession> inner = std::move(session);
    inner->connect(2, "the id", 1);
    throw std::runtime_error("a peer's data is wrong");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(fake.count("finalize"), 0);
  EXPECT_EQ(fake.count("abort"), 1);
}

/// As NcclCollectives: the session is a member, and the constructor connects.
struct Owner {
  explicit Owner(FakeNccl& fake) : session(fake, [] { return 10.0; }) {
    session.connect(2, "the id", 0);
  }
  NcclSession session;
};

TEST_F(NcclSessionTest, AConstructorThatThrowsLeavesNoCommunicator) {
  fake.looks = 10;
  fake.async_throws = true;
  EXPECT_THROW(Owner owner(fake), std::runtime_error);
  EXPECT_EQ(fake.count("abort"), 1);
  EXPECT_FALSE(fake.has_communicator());
}

TEST_F(NcclSessionTest, PeersThatDoNotEndAreLeftByAnAbort) {
  connect();
  fake.looks = kNever;
  session.reset();
  EXPECT_EQ(fake.count("finalize"), 1);
  EXPECT_EQ(fake.count("abort"), 1);
  EXPECT_EQ(fake.count("destroy"), 0);

  FakeNccl other;
  other.finalize_result = kSystemError;
  NcclSession(other, [] { return 10.0; }).connect(1, "the id", 0);
  EXPECT_EQ(other.count("abort"), 1);
  EXPECT_EQ(other.count("destroy"), 0);
}

}  // namespace
}  // namespace precis
