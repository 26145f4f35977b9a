#include "lib/report/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/base/errors.h"

namespace precis {

AppendFile::AppendFile(std::filesystem::path path, Existing existing) : path_(std::move(path)) {
  const int exclusive = existing == Existing::kRefuse ? O_EXCL : 0;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | exclusive, 0644);
  if (fd_ < 0) fail("cannot be opened for appending");
}

AppendFile::~AppendFile() {
  ::close(fd_);
}

void AppendFile::fail(const char* what) const {
  const int error = errno;
  throw DataError(fmt::format("{}: {}: {}", std::filesystem::absolute(path_).string(), what,
                              std::strerror(error)));
}

void AppendFile::append(std::string_view piece) {
  while (!piece.empty()) {
    const ssize_t done = ::write(fd_, piece.data(), piece.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written");
    piece.remove_prefix(static_cast<size_t>(done));
  }
}

void AppendFile::sync() {
  // A pipe or /dev/null has nothing to sync (EINVAL), which is no failure.
  if (::fdatasync(fd_) != 0 && errno != EINVAL) fail("cannot be synced");
}

}  // namespace precis
