// How many cores there are to compute with.
#pragma once

#include <sys/types.h>

namespace precis {

/// The cores that a process may run on, by its affinity; 1 where it cannot be asked. pid 0: this
/// process, or rather the thread that asks.
int cores_of(pid_t pid);

}  // namespace precis
