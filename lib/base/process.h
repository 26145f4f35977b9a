// What the kernel says of a process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace precis {

/// A process as /proc/PID/stat (proc(5)) has it.
struct ProcessStatus {
  std::string name;      ///< of its program, at most 15 bytes
  char state = '?';      ///< Z and X: dead
  int64_t parent = 0;    ///< 0: in another process namespace
  uint64_t started = 0;  ///< the kernel's ticks since boot: tells a process from a later one

  bool is_dead() const { return state == 'Z' || state == 'X'; }
};

/// Nothing where there is no such process, or none that is seen from here.
std::optional<ProcessStatus> process_status(int64_t pid);

}  // namespace precis
