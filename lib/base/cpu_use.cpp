#include "lib/base/cpu_use.h"

#include <time.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>

namespace precis {

double busy_seconds(std::string_view proc_stat, double ticks_per_second) {
  std::istringstream line{std::string(proc_stat.substr(0, proc_stat.find('\n')))};
  std::string name;
  // user nice system idle iowait irq softirq steal; what guests took is part of user and nice.
  std::array<double, 8> ticks{};
  line >> name;
  for (double& field : ticks) line >> field;
  if (name != "cpu" || line.fail()) return 0;
  return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7]) / ticks_per_second;
}

CpuUse cpu_use() {
  timespec own{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
  std::ifstream file("/proc/stat");
  std::string first;
  std::getline(file, first);
  return {static_cast<double>(own.tv_sec) + 1e-9 * static_cast<double>(own.tv_nsec),
          busy_seconds(first, static_cast<double>(::sysconf(_SC_CLK_TCK)))};
}

}  // namespace precis
