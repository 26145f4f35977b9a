// Sources: proc(5); Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of the kernel.
#include "lib/base/host_memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace precis {

namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<int64_t> number_in(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end != text.data() ? std::optional(number) : std::nullopt;
}

/// The number behind a word that begins a line, as of "MemAvailable:  2097152 kB".
std::optional<int64_t> number_after(const std::string& text, const std::string& word) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, second;
    if (words >> first >> second && first == word) return number_in(second);
  }
  return std::nullopt;
}

/// How the two kinds of control groups name the same things.
struct GroupKind {
  std::string_view type;        // of the file system
  std::string_view controller;  // in /proc/self/cgroup and in the options of the mount; v2: none
  const char *limit, *usage, *cached;
};
constexpr GroupKind kKinds[] = {
    {"cgroup2", "", "memory.max", "memory.current", "inactive_file"},
    {"cgroup", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}};

bool has_word(const std::string& list, std::string_view word) {
  return fmt::format(",{},", list).find(fmt::format(",{},", word)) != std::string::npos;
}

/// The path of this process's group, as its hierarchy counts it.
std::optional<std::string> group_path(const fs::path& root, const GroupKind& kind) {
  std::istringstream lines(content_of(root / "proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {  // 5:cpu,memory:/a/b; v2: 0::/a/b
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (kind.controller.empty() ? controllers.empty() : has_word(controllers, kind.controller))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

/// Where the groups of a kind are mounted, and which of them that is.
struct Mount {
  std::string group, point;
};
std::optional<Mount> mount_of(const fs::path& root, const GroupKind& kind) {
  std::istringstream lines(content_of(root / "proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream front(line.substr(0, dash)), back(line.substr(dash + 3));
    std::string skipped, type, source, options;
    Mount mount;
    front >> skipped >> skipped >> skipped >> mount.group >> mount.point;
    back >> type >> source >> options;
    if (type == kind.type && (kind.controller.empty() || has_word(options, kind.controller)))
      return mount;
  }
  return std::nullopt;
}

void keep_least(std::optional<MemoryRoom>& least, std::optional<MemoryRoom> other) {
  if (other && (!least || other->bytes < least->bytes)) least = std::move(other);
}

std::optional<MemoryRoom> room_of_group(const fs::path& folder, const GroupKind& kind) {
  const auto limit = number_in(content_of(folder / kind.limit));  // v2: "max" where there is none
  const auto usage = number_in(content_of(folder / kind.usage));
  constexpr int64_t kNoLimit = int64_t{1} << 60;  // v1 has a number for it, as pages have it
  if (!limit || !usage || *limit >= kNoLimit) return std::nullopt;
  const int64_t cached =
      number_after(content_of(folder / "memory.stat"), kind.cached).value_or(int64_t{0});
  return MemoryRoom{std::max<int64_t>(0, *limit - std::max<int64_t>(0, *usage - cached)),
                    fmt::format("the limit of {:.2f} GB of the control group ({})",
                                static_cast<double>(*limit) / 1e9, (folder / kind.limit).string())};
}

/// The least of this process's group and of those above it.
std::optional<MemoryRoom> room_of_groups(const fs::path& root, const GroupKind& kind) {
  const auto path = group_path(root, kind);
  const auto mount = mount_of(root, kind);
  if (!path || !mount) return std::nullopt;
  // In a container the mount may be of a group further down, or the path as another namespace has
  // it ("/../x"): then what is mounted is what can be known.
  fs::path inside = fs::path(*path).lexically_relative(mount->group);
  if (inside.empty() || *inside.begin() == "..") inside = ".";
  const fs::path top = root / fs::path(mount->point).relative_path();
  std::optional<MemoryRoom> least;
  fs::path at = inside.lexically_normal();
  for (; !at.empty() && at != "."; at = at.parent_path())
    keep_least(least, room_of_group(top / at, kind));
  keep_least(least, room_of_group(top, kind));
  return least;
}

std::optional<MemoryRoom> room_within(int resource, const char* used,
                                      fmt::format_string<double> words) {
  struct rlimit limit {};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  const auto kilobytes = number_after(content_of("/proc/self/status"), used);
  constexpr int64_t kKilobyte = 1024;
  const int64_t left =
      static_cast<int64_t>(limit.rlim_cur) - kilobytes.value_or(int64_t{0}) * kKilobyte;
  return MemoryRoom{std::max<int64_t>(0, left),
                    fmt::format(words, static_cast<double>(limit.rlim_cur) / 1e9)};
}

}  // namespace

std::optional<MemoryRoom> machine_memory(const fs::path& root) {
  std::optional<MemoryRoom> least;
  constexpr int64_t kKilobyte = 1024;
  if (const auto left = number_after(content_of(root / "proc/meminfo"), "MemAvailable:"))
    least = MemoryRoom{*left * kKilobyte, "the machine's memory"};
  for (const GroupKind& kind : kKinds) keep_least(least, room_of_groups(root, kind));
  return least;
}

std::optional<MemoryRoom> process_memory() {
  std::optional<MemoryRoom> least = room_within(
      RLIMIT_AS, "VmSize:", "the limit of {:.2f} GB on a process's address space (ulimit -v)");
  keep_least(least, room_within(RLIMIT_DATA, "VmData:",
                                "the limit of {:.2f} GB on a process's data (ulimit -d)"));
  return least;
}

}  // namespace precis
