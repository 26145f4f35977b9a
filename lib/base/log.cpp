#include "lib/base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/base/errors.h"

namespace precis {

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
    std::fwrite(whole.data(), 1, whole.size(), file_.get());
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
