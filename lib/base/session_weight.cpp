#include "lib/base/session_weight.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "lib/base/cores.h"

namespace precis {

int session_nice(int cores) {
  constexpr double kStep = 1.25, kNear = 1.1;
  constexpr int kMost = 20;
  int steps = 0;
  for (double weight = kStep; weight <= kNear * cores && steps < kMost; weight *= kStep) ++steps;
  return -steps;
}

void weigh_session() {
  if (::getsid(0) != ::getpid()) return;
  const char* wish = std::getenv("PRECIS_SESSION_NICE");
  const int nice = wish != nullptr                      ? std::atoi(wish)
                   : ::getpriority(PRIO_PROCESS, 0) > 0 ? 0
                                                        : session_nice(cores_of(0));
  if (nice == 0) return;
  // Not where the kernel has no such file, or does not allow it: then all is as it was.
  std::ofstream("/proc/self/autogroup") << nice << std::flush;
}

}  // namespace precis
