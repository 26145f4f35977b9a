#include "lib/base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "lib/base/errors.h"
#include "lib/base/output_target.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

/// Calls take(bytes, size of the file as its status has it) for one piece of a file after another.
/// 0, or an errno.
template <class Take>
int for_each_piece(const fs::path& path, Take take) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  struct stat status {};
  const bool sized = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  constexpr size_t kPiece = size_t{1} << 22;
  std::string piece;
  piece.resize(kPiece);
  int error = 0;
  while (error == 0) {
    const ssize_t got = ::read(fd, piece.data(), kPiece);
    if (got == 0) break;
    if (got > 0)
      take(std::string_view(piece.data(), static_cast<size_t>(got)),
           sized ? static_cast<size_t>(status.st_size) : 0);
    else if (errno != EINTR)
      error = errno;
  }
  ::close(fd);
  return error;
}

/// Calls read(), which returns 0 or an errno, and once more a second later where that may help:
/// disks stumble, and networks forget. Throws what is wrong then.
template <class Read>
void read_patiently(const fs::path& path, Read read) {
  int error = read();
  if (error == EIO || error == ESTALE || error == ETIMEDOUT || error == EAGAIN) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    error = read();
  }
  if (error != 0)
    throw DataError(
        fmt::format("{}: cannot be read: {}", fs::absolute(path).string(), std::strerror(error)));
}

/// What stands at a path, whatever it leads to, to be replaced unless it is a folder.
OutputTarget place_of(const fs::path& path) {
  std::error_code error;
  const bool is_folder = fs::symlink_status(path, error).type() == fs::file_type::directory;
  const fs::path place = fs::current_path() / path;
  return {is_folder ? OutputTarget::Kind::kFolder : OutputTarget::Kind::kPlain, place};
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::string content;
  read_patiently(path, [&] {
    content.clear();
    return for_each_piece(path, [&](std::string_view piece, size_t size) {
      if (content.empty()) content.reserve(size);
      content += piece;
    });
  });
  return content;
}

void read_file_through(const fs::path& path) {
  read_patiently(path, [&] { return for_each_piece(path, [](std::string_view, size_t) {}); });
}

std::optional<fs::path> keep_aside(const fs::path& path) {
  constexpr int kMost = 1000;
  std::error_code error;
  for (int number = 1; number < kMost; ++number) {
    const std::string ending = number == 1 ? ".damaged" : fmt::format(".damaged-{}", number);
    const fs::path aside = path.parent_path() / (path.filename().string() + ending);
    if (fs::symlink_status(aside, error).type() != fs::file_type::not_found) continue;
    fs::rename(path, aside, error);
    return error ? std::nullopt : std::optional(aside);
  }
  return std::nullopt;
}

AtomicFile::AtomicFile(fs::path path, Links links) : path_(std::move(path)) {
  const OutputTarget target = links == Links::kFollow ? find_output(path_) : place_of(path_);
  switch (target.kind) {
    case OutputTarget::Kind::kFolder:
      throw DataError(fmt::format("{}: is a folder, not a file", fs::absolute(path_).string()));
    case OutputTarget::Kind::kDescriptor:
      if (target.descriptor == STDOUT_FILENO) std::fflush(stdout);  // what was printed comes first
      fd_ = ::fcntl(target.descriptor, F_DUPFD_CLOEXEC, 0);
      break;
    case OutputTarget::Kind::kSpecial:
      fd_ = ::open(target.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
      break;
    case OutputTarget::Kind::kPlain:
      target_ = target.path;
      open_beside();
      break;
  }
  if (fd_ < 0) fail("cannot be opened for writing");
}

fs::path AtomicFile::beside(const fs::path& path) {
  return path.parent_path() / fmt::format(".{}.new", path.filename().string());
}

void AtomicFile::open_beside() {
  struct stat old {};
  const bool replaces = ::lstat(target_.c_str(), &old) == 0 && S_ISREG(old.st_mode);
  // Content that others may not read must not be theirs to read while it is written either.
  const mode_t mode = replaces ? 0600 : 0666;
  const fs::path made = beside(target_);
  // A new file: one that stands there may have another name elsewhere.
  ::unlink(made.c_str());
  fd_ = ::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd_ < 0) fail("cannot be created");
  if (!replaces) return;
  if (::fchown(fd_, old.st_uid, old.st_gid) != 0) {
    // Only root may give files away: then it is ours from here on, as with any editor.
  }
  ::fchmod(fd_, old.st_mode & 0777);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!target_.empty()) ::unlink(beside(target_).c_str());
}

void AtomicFile::fail(const char* what) const {
  const int error = errno;
  const fs::path folder = fs::absolute(path_).parent_path();
  std::error_code ignored;
  std::string why = std::strerror(error);
  if (error == EPIPE) why = "who read it has gone";
  if (error == ENOENT && !fs::is_directory(folder, ignored))
    why = fmt::format("there is no folder {}", folder.string());
  throw DataError(fmt::format("{}: {}: {}", fs::absolute(path_).string(), what, why));
}

void AtomicFile::write(std::string_view bytes) {
  constexpr size_t kPiece = size_t{1} << 16;
  if (!target_.empty() && gathered_.size() + bytes.size() < kPiece) {
    gathered_ += bytes;
    return;
  }
  write_out(gathered_);
  gathered_.clear();
  write_out(bytes);
}

void AtomicFile::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(done));
  }
}

void AtomicFile::commit() {
  write_out(gathered_);
  gathered_.clear();
  // A pipe or a terminal has nothing to sync (EINVAL), which is no failure.
  if (::fsync(fd_) != 0 && (!target_.empty() || errno != EINVAL)) fail("cannot be synced");
  if (::close(std::exchange(fd_, -1)) != 0) {
    const int error = errno;
    if (!target_.empty()) ::unlink(beside(target_).c_str());
    errno = error;
    fail("cannot be closed");
  }
  if (target_.empty()) return;
  if (::rename(beside(target_).c_str(), target_.c_str()) != 0) {
    const int error = errno;
    ::unlink(beside(target_).c_str());
    errno = error;
    fail("cannot be put in place");
  }
  const int dir = ::open(target_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return;  // a folder that may be written but not read cannot be synced
  const int synced = ::fsync(dir);
  const int error = errno;
  ::close(dir);
  // Not every file system has something to sync of a folder.
  if (synced != 0 && error != EINVAL && error != ENOTSUP && error != EBADF) {
    errno = error;
    fail("its folder cannot be synced");
  }
}

void write_file(const fs::path& path, std::string_view bytes, Links links) {
  AtomicFile file(path, links);
  file.write(bytes);
  file.commit();
}

}  // namespace precis
