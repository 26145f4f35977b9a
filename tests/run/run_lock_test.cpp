// Who may write in a run folder: one at a time, whoever died there before.
#include "lib/run/run_lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using namespace std::chrono_literals;
using testing::expect_words;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

constexpr RunLock::Times kQuick{.beat = 100ms, .stale = 600ms, .grace = 100ms};

class Lock : public ::testing::Test {
 protected:
  fs::path folder() const { return own_.path() / "above" / "out"; }
  fs::path file() const { return folder() / "run.lock"; }
  /// What stands in the way; empty: nothing.
  std::string refusal() {
    try {
      const RunLock lock(folder(), log_, kQuick);
      return "";
    } catch (const ConfigError& error) {
      return error.what();
    }
  }
  void leave(const LockOwner& owner) {
    fs::create_directories(folder());
    write_file(file(), owner.text());
  }

  TemporaryFolder own_;
  Log log_{false};
};

TEST_F(Lock, ASecondRunIsRefusedWithTheFirstOnesHostAndProcess) {
  {
    const RunLock first(folder(), log_, kQuick);
    const LockOwner me = LockOwner::me();
    expect_words(refusal(), {folder().string(), me.host, std::to_string(::getpid())});
    EXPECT_NO_THROW(first.require_held());
    EXPECT_TRUE(fs::exists(file())) << "the refused one takes nothing away";
  }
  EXPECT_FALSE(fs::exists(own_.path() / "above")) << "folders it made, and nobody used";
  EXPECT_EQ(refusal(), "");
}

TEST_F(Lock, OfAProcessThatIsDeadOrHasItsNumberAnewItDoesNotHold) {
  LockOwner dead = LockOwner::me();
  dead.started += 1;  // this process has that number now
  leave(dead);
  EXPECT_EQ(refusal(), "");

  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  std::this_thread::sleep_for(50ms);  // a zombie until it is waited for
  dead = LockOwner::me();
  dead.pid = child;
  leave(dead);
  EXPECT_EQ(refusal(), "");
  ::waitpid(child, nullptr, 0);
}

TEST_F(Lock, WhatWasLeftOfLocksThatWereBeingMadeIsRemoved) {
  const std::string host = LockOwner::me().host;
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const auto name = [&](const std::string& before, pid_t pid, const std::string& behind) {
    return folder() / (before + "run.lock." + host + "." + std::to_string(pid) + behind);
  };
  fs::create_directories(folder());
  const fs::path left[] = {name(".", dead, ""), name("..", dead, ".new"), name(".", dead, ".dead")};
  const fs::path others[] = {name(".", ::getppid(), ""), folder() / ".run.lock.elsewhere.1"};
  for (const fs::path& path : left) write_file(path, "");
  for (const fs::path& path : others) write_file(path, "");
  EXPECT_EQ(refusal(), "");
  for (const fs::path& path : left) EXPECT_FALSE(fs::exists(path)) << path;
  for (const fs::path& path : others) EXPECT_TRUE(fs::exists(path)) << path;
}

TEST_F(Lock, OfAnotherHostItHoldsWhileItsHeartBeats) {
  LockOwner other = LockOwner::me();
  other.host = "elsewhere";
  other.machine = "another boot";
  leave(other);
  std::atomic<bool> alive = true;
  std::thread heart([&] {
    while (alive) {
      std::this_thread::sleep_for(100ms);
      fs::last_write_time(file(), fs::file_time_type::clock::now());
    }
  });
  const std::string said = refusal();
  alive = false;
  heart.join();
  expect_words(said, {"elsewhere"});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(refusal(), "") << "its heart stands still";
  EXPECT_GT(std::chrono::steady_clock::now() - began, 300ms);
}

TEST_F(Lock, WhatIsNoLockDoesNotHoldForEver) {
  fs::create_directories(folder());
  write_file(file(), "");
  EXPECT_EQ(refusal(), "");
}

TEST_F(Lock, ItsHeartBeatsAndItIsMadeAnewWhereItWasRemoved) {
  const RunLock lock(folder(), log_, kQuick);
  const auto before = LockOwner::parse(read_file(file()));
  ASSERT_TRUE(before);
  std::this_thread::sleep_for(400ms);
  const auto after = LockOwner::parse(read_file(file()));
  ASSERT_TRUE(after && after->is_same(*before));
  EXPECT_GT(after->heartbeat, before->heartbeat);
  fs::remove(file());
  std::this_thread::sleep_for(400ms);
  EXPECT_TRUE(fs::exists(file()));
}

TEST_F(Lock, ARunWhoseLockWasTakenOverHears) {
  const RunLock lock(folder(), log_, kQuick);
  LockOwner other = LockOwner::me();
  other.host = "elsewhere";
  leave(other);
  std::this_thread::sleep_for(400ms);
  try {
    lock.require_held();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ConfigError& error) {
    expect_words(error.what(), {folder().string(), "elsewhere"});
  }
  EXPECT_EQ(LockOwner::parse(read_file(file()))->host, "elsewhere");
}

}  // namespace
}  // namespace precis
