#include "lib/base/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace precis {

std::optional<ProcessStatus> process_status(int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const size_t name_begin = line.find('('),
               name_end = line.rfind(')');  // a name may hold blanks and parentheses
  if (name_end == std::string::npos || name_begin > name_end) return std::nullopt;
  ProcessStatus status;
  status.name = line.substr(name_begin + 1, name_end - name_begin - 1);
  size_t field = 3;  // from 1
  for (size_t at = name_end + 2; at < line.size(); ++field) {
    const size_t end = std::min(line.find(' ', at), line.size());
    constexpr size_t kState = 3, kParent = 4, kStart = 22;
    if (field == kState) status.state = line[at];
    if (field == kParent) status.parent = std::strtoll(line.c_str() + at, nullptr, 10);
    if (field == kStart) status.started = std::strtoull(line.c_str() + at, nullptr, 10);
    at = end + 1;
  }
  return status;
}

}  // namespace precis
