#include "lib/base/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/errors.h"
#include "lib/base/files.h"

namespace precis {

namespace {

/// Opens a file to append to, or makes it. Neither a link that somebody put there is followed, nor
/// is a pipe's reader waited for; negative, with errno, where that is so.
int open_for_appending(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(),
                        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
  if (fd >= 0) ::fcntl(fd, F_SETFL, O_APPEND);  // whoever reads a pipe may be slow
  return fd;
}

/// The status of a regular file; nothing for pipes and devices, which have no size to go back to.
std::optional<struct stat> regular(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return status;
}

/// Whether what is appended here would grow a file of another folder as well.
bool has_other_names(const std::filesystem::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink > 1;
}

/// To be put in its place as a file of its own; nothing where it cannot be read.
std::optional<std::string> content_of(const std::filesystem::path& path) {
  try {
    return read_file(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path, Tell tell, std::optional<std::string> content)
    : path_(std::filesystem::absolute(path)), tell_(std::move(tell)), content_(std::move(content)) {
  if (!content_ && has_other_names(path_)) content_ = content_of(path_);
  write_waiting();
}

AppendFile::~AppendFile() {
  if (!is_complete() && !write_waiting() && tell_)
    tell_(fmt::format("{}: its last {} bytes are lost", path_.string(), waiting_.size()));
  if (fd_ >= 0) ::close(fd_);
}

bool AppendFile::fail(const char* what) {
  const int error = errno;
  if (error == ELOOP) what = "is a link, which may lead out of the folder";
  if (!std::exchange(failing_, true) && tell_)
    tell_(fmt::format("{}: {}: {}; going on, what belongs there is kept and tried again",
                      path_.string(), what, std::strerror(error)));
  return false;
}

bool AppendFile::put_content() {
  if (!content_) return true;
  try {
    write_file(path_, *content_, Links::kReplace);
  } catch (const Error& error) {
    if (!std::exchange(failing_, true) && tell_)
      tell_(fmt::format("{}; going on, what belongs there is kept and tried again", error.what()));
    return false;
  }
  content_.reset();
  return true;
}

bool AppendFile::is_in_place() const {
  const auto mine = regular(fd_);
  struct stat there {};
  return !mine || (::stat(path_.c_str(), &there) == 0 && there.st_ino == mine->st_ino &&
                   there.st_dev == mine->st_dev);
}

/// Puts what the file held that is no longer there before what is waiting.
void AppendFile::take_along(int old) {
  const int fd = ::open(fmt::format("/proc/self/fd/{}", old).c_str(), O_RDONLY | O_CLOEXEC);
  std::string content;
  char buffer[1 << 16];
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, buffer, sizeof(buffer), at);
    if (got <= 0) break;
    content.append(buffer, static_cast<size_t>(got));
    at += got;
  }
  if (fd >= 0) ::close(fd);
  if (cut_at_) content.resize(std::min(content.size(), static_cast<size_t>(*cut_at_)));
  cut_at_.reset();
  waiting_.insert(0, content);
}

bool AppendFile::open_where_it_belongs() {
  if (fd_ >= 0 && is_in_place()) return true;
  // Only the folder itself: where those above it are gone as well, so is a disk, which comes back.
  ::mkdir(path_.parent_path().c_str(), 0777);
  const int opened = open_for_appending(path_);
  if (opened < 0) return fail("cannot be opened for appending");
  const int old = std::exchange(fd_, opened);
  if (old < 0) return true;
  if (const auto found = regular(fd_); found && found->st_size == 0) take_along(old);
  cut_at_.reset();
  ::close(old);
  return true;
}

bool AppendFile::write_waiting() {
  if (!put_content() || !open_where_it_belongs()) return false;
  if (cut_at_ && ::ftruncate(fd_, *cut_at_) != 0) return fail("cannot be written");
  cut_at_.reset();
  const auto before = waiting_.empty() ? std::nullopt : regular(fd_);
  for (size_t done = 0; done < waiting_.size();) {
    const ssize_t wrote = ::write(fd_, waiting_.data() + done, waiting_.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote >= 0) {
      done += static_cast<size_t>(wrote);
      continue;
    }
    fail("cannot be written");
    if (!before)
      waiting_.erase(0, done);
    else if (::ftruncate(fd_, before->st_size) != 0)
      cut_at_ = before->st_size;
    return false;
  }
  waiting_.clear();
  if (std::exchange(failing_, false) && tell_)
    tell_(fmt::format("{}: is written again, nothing is missing", path_.string()));
  return true;
}

void AppendFile::append(std::string_view piece) {
  waiting_ += piece;
  write_waiting();
}

void AppendFile::sync() {
  // A pipe or /dev/null has nothing to sync (EINVAL), which is no failure.
  if (write_waiting() && ::fdatasync(fd_) != 0 && errno != EINVAL) fail("cannot be synced");
}

}  // namespace precis
