// What PRECIS_FAULTS_... asks for (shim.cpp lists it), and which calls it concerns.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace precis::faults {

enum Kind {
  kWrite,
  kSync,
  kCreate,
  kOpen,
  kRename,
  kLink,
  kUnlink,
  kTruncate,
  kMkdir,
  kClose,
  kRead,
  kMap
};
inline constexpr std::array<std::string_view, 12> kKinds = {"write",  "sync",  "create", "open",
                                                            "rename", "link",  "unlink", "truncate",
                                                            "mkdir",  "close", "read",   "map"};

enum class Fault { kNone, kError, kShort, kKillBefore, kKillMiddle, kKillAfter };

/// What becomes of a call.
struct Verdict {
  Fault fault = Fault::kNone;
  int error = 0;  // of kError
};

inline std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

inline long number(const char* name, long otherwise) {
  const std::string text = setting(name);
  return text.empty() ? otherwise : std::strtol(text.c_str(), nullptr, 10);
}

[[noreturn]] inline void die() {
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  for (;;) ::syscall(SYS_pause);
}

/// A path as the kernel would find it from the working directory, without "." and "..".
inline std::string absolute(std::string_view path) {
  std::string from;
  if (!path.starts_with('/')) {
    std::array<char, PATH_MAX> here{};
    if (::syscall(SYS_getcwd, here.data(), here.size()) > 0) from = here.data();
  }
  std::vector<std::string_view> parts;
  const std::string all = from + "/" + std::string(path);
  for (size_t at = 0; at < all.size();) {
    const size_t end = std::min(all.find('/', at), all.size());
    const std::string_view part = std::string_view(all).substr(at, end - at);
    at = end + 1;
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string whole;
  for (const std::string_view part : parts) whole.append("/").append(part);
  return whole;
}

/// Where a descriptor leads to; empty where it has no name.
inline std::string path_of(int fd) {
  char link[32];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  std::array<char, PATH_MAX> path{};
  const long length = ::syscall(SYS_readlinkat, AT_FDCWD, link, path.data(), path.size() - 1);
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : "";
}

inline std::string path_at(int folder, const char* path) {
  if (folder == AT_FDCWD || path[0] == '/') return absolute(path);
  return absolute(path_of(folder) + "/" + path);
}

/// What the environment asks for.
class Plan {
 public:
  /// The process's one: the calls that are stood in for have no other place to keep it.
  static Plan& get() {
    static Plan plan;
    return plan;
  }

  bool counts(Kind kind, const std::string& path) const {
    return counted_[kind] && path.starts_with(folder_) &&
           (path.size() == folder_.size() || path[folder_.size()] == '/');
  }

  /// Counts a call.
  Verdict verdict(Kind kind, const std::string& path) {
    if (!counts(kind, path)) return {};
    const int errno_before = errno;
    const long call = ++calls_;
    const bool chosen = at_ > 0 && call >= at_ && (num_calls_ == 0 || call < at_ + num_calls_);
    Verdict verdict = chosen ? fault_ : Verdict{};
    if (chosen && full_ && call > at_) verdict = {Fault::kError, ENOSPC};
    if (chosen && full_ && call == at_ && kind != kWrite) verdict = {Fault::kError, ENOSPC};
    if (verdict.fault == Fault::kShort && kind != kWrite) verdict = {};
    trace(call, kind, verdict, path);
    errno = errno_before;
    if (verdict.fault == Fault::kKillBefore) die();
    return verdict;
  }

 private:
  Plan() {
    const std::string rank = setting("PRECIS_FAULTS_RANK");
    const std::string mine = setting("OMPI_COMM_WORLD_RANK");
    folder_ = setting("PRECIS_FAULTS_FOLDER");
    const std::string kinds = setting("PRECIS_FAULTS_KINDS");
    const bool takes_part =
        !folder_.empty() && (rank.empty() || rank == (mine.empty() ? "0" : mine));
    for (size_t kind = 0; kind < kKinds.size(); ++kind)
      counted_[kind] =
          takes_part &&
          (kinds.empty() ||
           ("," + kinds + ",").find("," + std::string(kKinds[kind]) + ",") != std::string::npos);
    trace_ = setting("PRECIS_FAULTS_TRACE");
    at_ = number("PRECIS_FAULTS_AT", 0);
    num_calls_ = number("PRECIS_FAULTS_CALLS", 1);
    how_ = setting("PRECIS_FAULTS_HOW");
    full_ = how_ == "full";
    if (how_ == "short" || full_)
      fault_.fault = Fault::kShort;
    else if (how_ == "kill-before")
      fault_.fault = Fault::kKillBefore;
    else if (how_ == "kill-middle")
      fault_.fault = Fault::kKillMiddle;
    else if (how_ == "kill-after")
      fault_.fault = Fault::kKillAfter;
    else
      fault_ = {Fault::kError, std::atoi(how_.c_str())};
  }

  /// One line by one write, before the call: it is there whatever happens to the process.
  void trace(long call, Kind kind, const Verdict& verdict, const std::string& path) const {
    if (trace_.empty()) return;
    const std::string line = std::to_string(call) + " " + std::string(kKinds[kind]) + " " +
                             (verdict.fault == Fault::kNone ? "-" : how_) + " " +
                             path.substr(std::min(folder_.size() + 1, path.size())) + "\n";
    const long fd = ::syscall(SYS_openat, AT_FDCWD, trace_.c_str(),
                              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return;
    ::syscall(SYS_write, fd, line.data(), line.size());
    ::syscall(SYS_close, fd);
  }

  std::string folder_, trace_, how_;
  std::array<bool, kKinds.size()> counted_{};
  Verdict fault_;
  bool full_ = false;
  long at_ = 0, num_calls_ = 1;
  std::atomic<long> calls_{0};
};

}  // namespace precis::faults
