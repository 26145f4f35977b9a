// CPU time of this process and of the whole machine: whether anybody else was at work meanwhile.
#pragma once

#include <string_view>

namespace precis {

/// Seconds of CPU time, summed over cores.
struct CpuUse {
  double own = 0;      ///< of this process, all threads
  double machine = 0;  ///< of all processes, with what a hypervisor took away
};

/// Since some time in the past; of interest are differences. `machine` is 0 where the system does
/// not say.
CpuUse cpu_use();

/// The seconds that /proc/stat, whose text this is, says cores were not idle; 0 where it is none.
double busy_seconds(std::string_view proc_stat, double ticks_per_second);

}  // namespace precis
