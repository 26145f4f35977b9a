// A library for LD_PRELOAD that counts what a program does to the files of one folder, and makes
// chosen calls fail or ends the process there. It is told by the environment, since nothing of the
// program knows of it:
//   PRECIS_FAULTS_FOLDER  files below it count (an absolute path without links); without it nothing
//   PRECIS_FAULTS_TRACE   a file elsewhere that gets a line a call: number, kind, fault or -, path
//   PRECIS_FAULTS_KINDS   the kinds that count, as "write,sync" (kKinds); all where it is not set
//   PRECIS_FAULTS_AT      number of the first call with a fault, from 1; 0 or none: only counted
//   PRECIS_FAULTS_CALLS   how many calls have it; 0: all from there on. Default 1
//   PRECIS_FAULTS_HOW     an errno as a number; "short": half of a write is done; "full": that, and
//                         ENOSPC from the next on; "kill-before", "kill-middle" (half of a write is
//                         done), "kill-after": SIGKILL
//   PRECIS_FAULTS_RANK    only the process of this rank; default all
// Numbers count per process, over all its threads.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/faults/shim_plan.h"

namespace precis::faults {
namespace {

/// A call that is done as a whole or not at all. `failed`: what it returns then.
template <class Result, class Call>
Result whole(Kind kind, const std::string& path, Result failed, Call call) {
  const Verdict verdict = Plan::get().verdict(kind, path);
  if (verdict.fault == Fault::kError) {
    errno = verdict.error;
    return failed;
  }
  const Result result = call();
  if (verdict.fault == Fault::kKillMiddle || verdict.fault == Fault::kKillAfter) die();
  return result;
}

/// A call that may do a part: call(size) does so many bytes of `size`.
template <class Call>
ssize_t partly(Kind kind, int fd, size_t size, Call call) {
  const Verdict verdict = Plan::get().verdict(kind, path_of(fd));
  if (verdict.fault == Fault::kError) {
    errno = verdict.error;
    return -1;
  }
  const bool half = verdict.fault == Fault::kShort || verdict.fault == Fault::kKillMiddle;
  const ssize_t done = call(half && size > 1 ? size / 2 : size);
  if (verdict.fault == Fault::kKillMiddle || verdict.fault == Fault::kKillAfter) die();
  return done;
}

/// The function of this name that stands behind ours.
template <class Function>
Function* behind(Function*, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}
#define BEHIND(name) behind(&::name, #name)

/// The mode of an open that may create a file.
mode_t mode_of(int flags, va_list more) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  return whole((flags & O_CREAT) != 0 ? kCreate : kOpen, path_at(folder, path), -1,
               [&] { return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode)); });
}

template <class Open>
FILE* open_stream(const char* path, const char* mode, Open open) {
  return whole(mode[0] == 'r' ? kOpen : kCreate, absolute(path), static_cast<FILE*>(nullptr),
               [&] { return open(path, mode); });
}

ssize_t write_first(int fd, const iovec* parts, int count, size_t size) {
  std::vector<iovec> some;
  for (int i = 0; i < count && size > 0; ++i) {
    some.push_back({parts[i].iov_base, std::min(parts[i].iov_len, size)});
    size -= some.back().iov_len;
  }
  return ::syscall(SYS_writev, fd, some.data(), some.size());
}

int rename_at(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return whole(kRename, path_at(to_folder, to), -1, [&] {
    return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
  });
}

int link_at(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  return whole(kLink, path_at(to_folder, to), -1, [&] {
    return static_cast<int>(::syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
  });
}

int unlink_at(int folder, const char* path, int flags) {
  return whole(kUnlink, path_at(folder, path), -1,
               [&] { return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags)); });
}

}  // namespace
}  // namespace precis::faults

using namespace precis::faults;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_at(folder, path, flags, mode);
}
int creat(const char* path, mode_t mode) {
  return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
FILE* fopen(const char* path, const char* mode) {
  return open_stream(path, mode, BEHIND(fopen));
}
FILE* fopen64(const char* path, const char* mode) {
  return open_stream(path, mode, BEHIND(fopen64));
}

ssize_t write(int fd, const void* bytes, size_t size) {
  return partly(kWrite, fd, size,
                [&](size_t some) { return ::syscall(SYS_write, fd, bytes, some); });
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return partly(kWrite, fd, size,
                [&](size_t some) { return ::syscall(SYS_pwrite64, fd, bytes, some, at); });
}
ssize_t writev(int fd, const iovec* parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  return partly(kWrite, fd, size, [&](size_t some) { return write_first(fd, parts, count, some); });
}
ssize_t sendfile(int to, int from, off_t* at, size_t size) {
  return partly(kWrite, to, size,
                [&](size_t some) { return ::syscall(SYS_sendfile, to, from, at, some); });
}
ssize_t copy_file_range(int from, off64_t* from_at, int to, off64_t* to_at, size_t size,
                        unsigned flags) {
  return partly(kWrite, to, size, [&](size_t some) {
    return ::syscall(SYS_copy_file_range, from, from_at, to, to_at, some, flags);
  });
}

int fsync(int fd) {
  return whole(kSync, path_of(fd), -1, [&] { return static_cast<int>(::syscall(SYS_fsync, fd)); });
}
int fdatasync(int fd) {
  return whole(kSync, path_of(fd), -1,
               [&] { return static_cast<int>(::syscall(SYS_fdatasync, fd)); });
}
int ftruncate(int fd, off_t size) noexcept {
  return whole(kTruncate, path_of(fd), -1,
               [&] { return static_cast<int>(::syscall(SYS_ftruncate, fd, size)); });
}
int truncate(const char* path, off_t size) noexcept {
  return whole(kTruncate, absolute(path), -1,
               [&] { return static_cast<int>(::syscall(SYS_truncate, path, size)); });
}
/// A file is closed even where that tells of an error.
int close(int fd) {
  const Verdict verdict = Plan::get().verdict(kClose, path_of(fd));
  const int result = static_cast<int>(::syscall(SYS_close, fd));
  if (verdict.fault == Fault::kError) {
    errno = verdict.error;
    return -1;
  }
  if (verdict.fault == Fault::kKillMiddle || verdict.fault == Fault::kKillAfter) die();
  return result;
}

int rename(const char* from, const char* to) noexcept {
  return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return rename_at(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  return rename_at(from_folder, from, to_folder, to, flags);
}
int link(const char* from, const char* to) noexcept {
  return link_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return link_at(from_folder, from, to_folder, to, flags);
}
int unlink(const char* path) noexcept {
  return unlink_at(AT_FDCWD, path, 0);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return unlink_at(folder, path, flags);
}
int rmdir(const char* path) noexcept {
  return unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
}
int remove(const char* path) noexcept {
  const int errno_before = errno;
  if (unlink_at(AT_FDCWD, path, 0) == 0) return 0;
  if (errno != EISDIR) return -1;
  errno = errno_before;
  return unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return whole(kMkdir, absolute(path), -1,
               [&] { return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return whole(kMkdir, path_at(folder, path), -1,
               [&] { return static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode)); });
}

ssize_t read(int fd, void* bytes, size_t size) {
  return partly(kRead, fd, size, [&](size_t some) { return ::syscall(SYS_read, fd, bytes, some); });
}
ssize_t pread(int fd, void* bytes, size_t size, off_t at) {
  return partly(kRead, fd, size,
                [&](size_t some) { return ::syscall(SYS_pread64, fd, bytes, some, at); });
}
ssize_t readv(int fd, const iovec* parts, int count) {
  return partly(kRead, fd, 0, [&](size_t) { return ::syscall(SYS_readv, fd, parts, count); });
}
void* mmap(void* where, size_t size, int protection, int flags, int fd, off_t at) noexcept {
  const auto map = [&] {
    return reinterpret_cast<void*>(::syscall(SYS_mmap, where, size, protection, flags, fd, at));
  };
  return fd < 0 ? map() : whole(kMap, path_of(fd), MAP_FAILED, map);
}

// The same functions: files of more than 2 GB need no others where off_t has 64 bits.
static_assert(sizeof(off_t) == sizeof(off64_t));
#define PRECIS_ALSO_AS(name) __attribute__((alias(name)))
int open64(const char*, int, ...) PRECIS_ALSO_AS("open");
int openat64(int, const char*, int, ...) PRECIS_ALSO_AS("openat");
ssize_t pwrite64(int, const void*, size_t, off64_t) PRECIS_ALSO_AS("pwrite");
ssize_t pread64(int, void*, size_t, off64_t) PRECIS_ALSO_AS("pread");
ssize_t sendfile64(int, int, off64_t*, size_t) PRECIS_ALSO_AS("sendfile");
int ftruncate64(int, off64_t) noexcept PRECIS_ALSO_AS("ftruncate");
void* mmap64(void*, size_t, int, int, int, off64_t) noexcept PRECIS_ALSO_AS("mmap");

}  // extern "C"
