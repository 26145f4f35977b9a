#include "lib/base/session_weight.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace precis {
namespace {

TEST(SessionWeight, GrowsWithTheCores) {
  EXPECT_EQ(session_nice(1), 0);
  EXPECT_EQ(session_nice(2), -3);  // 1.95 times
  EXPECT_EQ(session_nice(16), -12);
  EXPECT_EQ(session_nice(4096), -20);
}

int autogroup_nice() {
  std::ifstream file("/proc/self/autogroup");  // "/autogroup-8 nice -3"
  std::string name, word;
  int nice = 99;
  file >> name >> word >> nice;
  return nice;
}

/// What the session of a child weighs after weigh_session(); 99: its own first wish was not taken.
int nice_in_child(bool leads, const char* wish) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setsid() < 0) ::_exit(98);
    if (!leads) {
      const pid_t grandchild = ::fork();
      if (grandchild > 0) {
        int status = 0;
        ::waitpid(grandchild, &status, 0);
        ::_exit(WEXITSTATUS(status));
      }
    }
    ::setenv("PRECIS_SESSION_NICE", wish, 1);
    weigh_session();
    ::_exit(autogroup_nice() + 20);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status) - 20;
}

TEST(SessionWeight, IsSetByTheSessionsLeaderAlone) {
  if (autogroup_nice() == 99) GTEST_SKIP() << "this system shares no cores out among sessions";
  EXPECT_EQ(nice_in_child(true, "0"), 0);
  EXPECT_EQ(nice_in_child(true, "2"), 2);  // less is allowed to everybody
  EXPECT_EQ(nice_in_child(false, "2"), 0);
}

}  // namespace
}  // namespace precis
