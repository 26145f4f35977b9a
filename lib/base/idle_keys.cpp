#include "lib/base/idle_keys.h"

#include <fmt/format.h>

#include <algorithm>

namespace precis {

std::vector<std::string> idle_lines(std::span<const IdleKey> idle) {
  std::vector<std::string> reasons, lines;
  for (const IdleKey& each : idle)
    if (std::find(reasons.begin(), reasons.end(), each.reason) == reasons.end())
      reasons.push_back(each.reason);
  for (const std::string& reason : reasons) {
    std::vector<std::string> keys;
    for (const IdleKey& each : idle)
      if (each.reason == reason) keys.push_back(each.key);
    std::string names;
    for (size_t i = 0; i < keys.size(); ++i)
      names += (i == 0 ? "" : i + 1 == keys.size() ? " and " : ", ") + keys[i];
    lines.push_back(
        fmt::format("{} {} no effect: {}", names, keys.size() == 1 ? "has" : "have", reason));
  }
  return lines;
}

}  // namespace precis
