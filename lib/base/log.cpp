#include "lib/base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace precis {
namespace {

/// Each line of the text with the local time before it.
std::string with_time(std::string_view text) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S ", &local);
  std::string timed;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size() - 1) + 1;
    timed += time;
    timed += text.substr(start, end - start);
    start = end;
  }
  return timed;
}

void write_all(int fd, std::string_view text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = ::write(fd, text.data() + done, text.size() - done);
    if (wrote < 0 && errno != EINTR) return;  // a closed terminal must not end a run
    done += static_cast<size_t>(wrote > 0 ? wrote : 0);
  }
}

}  // namespace

void Log::open(const std::filesystem::path& path) {
  if (!speaks_) return;
  const std::lock_guard lock(mutex_);
  file_ = std::make_unique<AppendFile>(path, [](const std::string& sentence) {
    write_all(STDERR_FILENO, fmt::format("warning: {}\n", sentence));
  });
}

void Log::write(int fd, std::string_view line) {
  if (!speaks_) return;
  const std::lock_guard lock(mutex_);
  const std::string whole = fmt::format("{}\n", line);
  write_all(fd, whole);
  if (file_) file_->append(with_time(whole));
}

bool Log::is_complete() {
  const std::lock_guard lock(mutex_);
  if (file_) file_->append({});
  return !file_ || file_->is_complete();
}

void Log::info(std::string_view line) {
  write(STDOUT_FILENO, line);
}

void Log::warn(std::string_view line) {
  write(STDERR_FILENO, fmt::format("warning: {}", line));
}

}  // namespace precis
