#include "lib/base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/errors.h"

namespace precis {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  const auto fail = [&](int error) {
    throw DataError(
        fmt::format("{}: cannot be read: {}", fs::absolute(path).string(), std::strerror(error)));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(errno);
  std::string content;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
    content.reserve(static_cast<size_t>(status.st_size));
  constexpr size_t kChunk = size_t{1} << 22;
  for (;;) {
    const size_t before = content.size();
    content.resize(before + kChunk);
    const ssize_t got = ::read(fd, content.data() + before, kChunk);
    content.resize(before + static_cast<size_t>(got > 0 ? got : 0));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) {
      const int error = errno;
      ::close(fd);
      fail(error);
    }
  }
  ::close(fd);
  return content;
}

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)),
      new_path_(path_.parent_path() / fmt::format(".{}.new", path_.filename().string())) {
  fd_ = ::open(new_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) fail("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(new_path_.c_str());
}

void AtomicFile::fail(const char* what) const {
  throw DataError(
      fmt::format("{}: {}: {}", fs::absolute(path_).string(), what, std::strerror(errno)));
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(done));
  }
}

void AtomicFile::write_at(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written");
    offset += static_cast<uint64_t>(done);
    bytes.remove_prefix(static_cast<size_t>(done));
  }
}

void AtomicFile::commit() {
  if (::fsync(fd_) != 0) fail("cannot be synced");
  if (::close(std::exchange(fd_, -1)) != 0) fail("cannot be closed");
  if (::rename(new_path_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(new_path_.c_str());
    errno = error;
    fail("cannot be put in place");
  }
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0) {
    ::fsync(dir);
    ::close(dir);
  }
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace precis
