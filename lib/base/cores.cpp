#include "lib/base/cores.h"

#include <sched.h>

#include <algorithm>

namespace precis {

int cores_of(pid_t pid) {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(pid, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace precis
