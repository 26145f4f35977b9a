// The text log: what a person reads while a run goes on.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "lib/base/append_file.h"

namespace precis {

/// Lines for people: to stdout and, once opened, to a file, there with the local time before each
/// ("2026-03-01 17:05:09 "). A silent log (other ranks than 0) swallows them. Each line is one
/// write, so that lines of several processes do not mix. Thread-safe.
class Log {
 public:
  explicit Log(bool speaks = true) : speaks_(speaks) {}

  /// Appends to this file as well, from now on. Where it cannot be written one warning says so, on
  /// stderr alone, and its lines wait in memory, as AppendFile has it.
  void open(const std::filesystem::path& path);
  void info(std::string_view line);
  /// "warning: ..." on stderr and in the file.
  void warn(std::string_view line);
  /// Whether all lines are in the file; tries to write those that are not.
  bool is_complete();

 private:
  void write(int fd, std::string_view line);

  bool speaks_;
  std::mutex mutex_;
  std::unique_ptr<AppendFile> file_;
};

}  // namespace precis
