// How much memory this machine still gives to its processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace precis {

/// Memory that is left, and what bounds it.
struct MemoryRoom {
  int64_t bytes = 0;
  std::string bound;  ///< for people, naming the limit: "the machine's memory"
};

/// What all processes of this machine together can still take: of its memory, or of what the
/// control groups of this process and those above them (v1 and v2) allow, where that is less.
/// Memory in which files are cached counts as left. Nothing where the system does not say. `root`:
/// where /proc and the mount points are looked for.
std::optional<MemoryRoom> machine_memory(const std::filesystem::path& root = "/");

/// What this process alone can still take where a limit is set (RLIMIT_AS, which counts address
/// space, RLIMIT_DATA); nothing where none is.
std::optional<MemoryRoom> process_memory();

}  // namespace precis
