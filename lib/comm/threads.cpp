#include "lib/comm/threads.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>

namespace precis {
namespace {

int cores_of(pid_t pid) {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(pid, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace

ThreadShare share_threads(const World& world) {
  const int mine = cores_of(0);
  // The launcher itself is not bound: what it may use is what the user gave the job.
  const int launcher = std::max(mine, cores_of(::getppid()));
  const int local = std::max(1, world.local_size());
  ThreadShare share;
  if (mine < launcher) {  // bound: the whole mask is this rank's
    share.threads = mine;
    share.narrow = mine < launcher / local;
  } else {
    share.threads = std::max(1, mine / local);
  }
  return share;
}

}  // namespace precis
