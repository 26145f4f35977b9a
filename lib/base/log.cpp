#include "lib/base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "lib/base/errors.h"

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

}  // namespace

void Log::open(const std::filesystem::path& path) {
  if (!speaks_) return;
  const std::lock_guard lock(mutex_);
  file_.reset(std::fopen(path.c_str(), "a"));
  if (!file_)
    throw DataError(fmt::format("{}: cannot be opened: {}",
                                std::filesystem::absolute(path).string(), std::strerror(errno)));
}

void Log::write(int fd, std::string_view line) {
  if (!speaks_) return;
  const std::lock_guard lock(mutex_);
  const std::string whole = fmt::format("{}\n", line);
  for (size_t done = 0; done < whole.size();) {
    const ssize_t wrote = ::write(fd, whole.data() + done, whole.size() - done);
    if (wrote < 0 && errno != EINTR) break;  // a closed terminal must not end a run
    done += static_cast<size_t>(wrote > 0 ? wrote : 0);
  }
  if (file_) {
    const std::string timed = with_time(whole);
    std::fwrite(timed.data(), 1, timed.size(), file_.get());
    std::fflush(file_.get());
  }
}

void Log::info(std::string_view line) {
  write(STDOUT_FILENO, line);
}

void Log::warn(std::string_view line) {
  write(STDERR_FILENO, fmt::format("warning: {}", line));
}

}  // namespace precis
