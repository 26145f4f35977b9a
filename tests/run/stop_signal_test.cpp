// Which signals ask to stop, and which end the process: each in a process of its own.
#include "lib/run/stop_signal.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <initializer_list>

namespace precis {
namespace {

void wait_milliseconds(int64_t milliseconds) {
  const timespec nap{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  ::nanosleep(&nap, nullptr);
}

/// Gets signals with a pause before each but the first, and ends with 75 where that asked to stop.
[[noreturn]] void get(std::initializer_list<int> signals, int64_t pause) {
  note_stop_signals();
  bool is_first = true;
  for (const int signal : signals) {
    if (!is_first) wait_milliseconds(pause);
    is_first = false;
    std::raise(signal);
  }
  std::_Exit(stop_was_requested() ? 75 : 0);
}

using testing::ExitedWithCode;
using testing::KilledBySignal;
constexpr int64_t kLater = 400;

TEST(StopSignal, EachIsNoted) {
  EXPECT_FALSE(stop_was_requested());
  EXPECT_EXIT(get({}, 0), ExitedWithCode(0), "");
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP})
    EXPECT_EXIT(get({signal}, 0), ExitedWithCode(75), "") << signal;
}

TEST(StopSignal, ASecondInterruptEndsAtOnce) {
  EXPECT_EXIT(get({SIGINT, SIGINT}, kLater), KilledBySignal(SIGINT), "");
  EXPECT_EXIT(get({SIGUSR1, SIGINT}, kLater), KilledBySignal(SIGINT), "");
  EXPECT_EXIT(get({SIGINT, SIGINT}, 0), ExitedWithCode(75), "") << "sent twice, meant once";
  EXPECT_EXIT(get({SIGINT, SIGTERM, SIGUSR1, SIGTERM}, kLater), ExitedWithCode(75), "");
}

}  // namespace
}  // namespace precis
