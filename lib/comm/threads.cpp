#include "lib/comm/threads.h"

#include <unistd.h>

#include <algorithm>

#include "lib/base/cores.h"

namespace precis {

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
