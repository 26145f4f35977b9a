#include "lib/comm/watchdog.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

#include "lib/comm/launcher.h"

namespace precis {
namespace {

using std::chrono::milliseconds;

/// Until it holds, 20 s at most.
template <class Holds>
bool wait_until(const Holds& holds) {
  for (int i = 0; i < 2000 && !holds(); ++i) std::this_thread::sleep_for(milliseconds(10));
  return holds();
}

struct Heard {
  std::atomic<int> late{0}, waiting{0}, always{0};
  std::string call;
  Watchdog::Handlers handlers() {
    return {.late =
                [this](const Watchdog::Wait& wait) {
                  call = wait.call;
                  ++late;
                },
            .waiting = [this](const Watchdog::Wait&) { ++waiting; },
            .always = [this] { ++always; }};
  }
};

TEST(Watchdog, AWaitThatLastsTooLongIsToldOnce) {
  Heard heard;
  Watchdog watchdog(heard.handlers());
  watchdog.exchange({"MPI_Something", 0.2, 0});
  ASSERT_TRUE(wait_until([&] { return heard.late > 0; }));
  EXPECT_EQ(heard.call, "MPI_Something");
  ASSERT_TRUE(wait_until([&] { return heard.waiting > 1; })) << "it goes on";
  EXPECT_EQ(heard.late, 1);
}

TEST(Watchdog, AWaitThatEndedIsNotTold) {
  Heard heard;
  Watchdog watchdog(heard.handlers());
  watchdog.exchange(watchdog.exchange({"MPI_Something", 0.2, 0}));
  ASSERT_TRUE(wait_until([&] { return heard.always > 1; }));
  EXPECT_EQ(heard.late + heard.waiting, 0);
}

TEST(Watchdog, WaitsLieInEachOther) {
  Heard heard;
  Watchdog watchdog(heard.handlers());
  watchdog.exchange({"the outer", 0.3, 0});
  const Watchdog::Wait outer = watchdog.exchange({"the inner", 1000, 0});
  EXPECT_STREQ(outer.call, "the outer");
  std::this_thread::sleep_for(milliseconds(600));
  EXPECT_EQ(heard.late, 0) << "the inner one has time";
  watchdog.exchange(outer);
  ASSERT_TRUE(wait_until([&] { return heard.late > 0; }));
  EXPECT_EQ(heard.call, "the outer");
}

/// Ends with 0 where a wait of 2 s was not late although this process was stopped for longer.
[[noreturn]] void be_stopped() {
  Heard heard;
  Watchdog watchdog(heard.handlers());
  watchdog.exchange({"MPI_Something", 2, 0});
  ::raise(SIGSTOP);
  std::this_thread::sleep_for(milliseconds(300));
  ::_exit(heard.late > 0 ? 1 : 0);
}

TEST(Watchdog, TimeInWhichTheProcessWasStoppedDoesNotCount) {
  const pid_t child = ::fork();
  if (child == 0) be_stopped();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  std::this_thread::sleep_for(milliseconds(2500));
  ::kill(child, SIGCONT);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

/// A launched process whose parent ends: 0 where it notices.
[[noreturn]] void be_orphaned(int told) {
  ::setenv("PMIX_RANK", "0", 1);
  const Launcher launcher;
  const char alive = launcher.is_gone() ? 'g' : 'l';
  if (::write(told, &alive, 1) != 1) ::_exit(1);
  wait_until([&] { return launcher.is_gone(); });
  const char gone = launcher.is_gone() ? 'g' : 'l';
  if (::write(told, &gone, 1) != 1) ::_exit(1);
  ::_exit(0);
}

TEST(Launcher, AParentThatDiedIsNoticed) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    if (::fork() == 0) be_orphaned(ends[1]);
    ::pause();
  }
  ::close(ends[1]);
  char said = 0;
  ASSERT_EQ(::read(ends[0], &said, 1), 1);
  EXPECT_EQ(said, 'l');
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  ASSERT_EQ(::read(ends[0], &said, 1), 1);
  EXPECT_EQ(said, 'g');
  ::close(ends[0]);
}

TEST(Launcher, AProgramByItselfHasNone) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"}) ::unsetenv(name);
  EXPECT_FALSE(is_launched());
  const Launcher launcher;
  EXPECT_FALSE(launcher.is_gone());
  EXPECT_EQ(launcher.name(), "no launcher");
}

}  // namespace
}  // namespace precis
