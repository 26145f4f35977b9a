#include "lib/base/cpu_use.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

namespace precis {
namespace {

/// Computes until the clock of this process says so; returns what it used.
CpuUse spin(double seconds) {
  const CpuUse begin = cpu_use();
  CpuUse now = begin;
  while (now.own - begin.own < seconds) now = cpu_use();
  return {now.own - begin.own, now.machine - begin.machine};
}

TEST(BusySeconds, CountAllButIdleAndGuests) {
  EXPECT_EQ(busy_seconds("cpu  1 2 4 800 900 8 16 32 700 600\ncpu0 5 5 5 5 5 5 5 5\n", 10), 6.3);
  EXPECT_EQ(busy_seconds("", 100), 0);
  EXPECT_EQ(busy_seconds("cpu 1 2 3", 100), 0);
  EXPECT_EQ(busy_seconds("intr 1 2 3 4 5 6 7 8 9", 100), 0);
}

TEST(CpuUse, HoldsThisProcessAndTheOthers) {
  const CpuUse alone = spin(0.5);
  EXPECT_GE(alone.machine, alone.own - 0.1);  // counted in ticks
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) cpu_use();
  const CpuUse shared = spin(0.5);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_GE(shared.own, 0.5);
  EXPECT_GE(shared.machine - shared.own, 0.2);  // on one core they take turns
}

}  // namespace
}  // namespace precis
