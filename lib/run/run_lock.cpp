// The lock is made whole under another name and linked to its own, which is atomic on NFS as well;
// where a file system has no links it is created exclusively. How old a heartbeat is, is told by
// the file server's clock alone: the age of the file against that of one made now.
#include "lib/run/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/process.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// When the content of a file last changed, in seconds of the file server's clock. Opened, since an
/// NFS client asks the server then.
std::optional<double> changed_at(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  const bool known = fd >= 0 && ::fstat(fd, &status) == 0;
  if (fd >= 0) ::close(fd);
  if (!known) return std::nullopt;
  return static_cast<double>(status.st_mtim.tv_sec) +
         1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
}

double seconds(std::chrono::milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// What a process makes its lock from.
fs::path own_file(const fs::path& folder, const LockOwner& me) {
  return folder / fmt::format(".run.lock.{}.{}", me.host, me.pid);
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

LockOwner LockOwner::me() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'h', 'o', 's', 't'};
  std::array<char, 64> space{};
  if (::readlink("/proc/self/ns/pid", space.data(), space.size() - 1) < 0) space = {};
  LockOwner me;
  me.host = host.data();
  me.machine = fmt::format("{} {}", first_line("/proc/sys/kernel/random/boot_id"), space.data());
  me.pid = ::getpid();
  if (const auto status = process_status(me.pid)) me.started = status->started;
  me.heartbeat = now();
  return me;
}

std::optional<LockOwner> LockOwner::parse(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  try {
    return LockOwner{json.at("host"), json.at("machine"), json.at("pid"), json.at("started"),
                     json.at("heartbeat")};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

/// Of one length whatever the heartbeat: a disk that is full takes a new one in the old one's
/// place.
std::string LockOwner::text() const {
  return fmt::format(R"({{"host":{},"machine":{},"pid":{},"started":{},"heartbeat":{:.3f}}})",
                     nlohmann::json(host).dump(), nlohmann::json(machine).dump(), pid, started,
                     heartbeat) +
         "\n";
}

bool LockOwner::is_same(const LockOwner& other) const {
  return host == other.host && machine == other.machine && pid == other.pid &&
         started == other.started;
}

RunLock::RunLock(const fs::path& folder, Log& log, const Times& times)
    : folder_(fs::absolute(folder)),
      path_(folder_ / "run.lock"),
      log_(log),
      times_(times),
      me_(LockOwner::me()) {
  make_folder();
  acquire();
  heart_ = std::thread([this] { keep_beating(); });
}

RunLock::~RunLock() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (heart_.joinable()) heart_.join();
  std::error_code error;
  if (const auto holder = owner(); holder && holder->is_same(me_))
    fs::remove(path_, error);
  else if (holder && holder->machine == me_.machine && !may_live(*holder))
    remove_of_dead(*holder);                  // which a full disk kept from us
  fs::remove(own_file(folder_, me_), error);  // where that failed before
  if (made_.empty()) return;
  for (fs::path at = folder_; fs::remove(at, error) && at != made_;) at = at.parent_path();
}

void RunLock::make_folder() {
  std::error_code error;
  fs::path at = folder_.lexically_normal();
  if (at.filename().empty()) at = at.parent_path();  // "out/"
  folder_ = at;
  for (; at.has_relative_path() && !fs::exists(at, error) && !error; at = at.parent_path())
    made_ = at;
  fs::create_directories(folder_, error);
  if (error || !fs::is_directory(folder_))
    throw ConfigError(fmt::format("run.out_dir {} cannot be made a folder: {}", folder_.string(),
                                  error ? error.message() : "it is a file"));
}

std::optional<LockOwner> RunLock::owner() const {
  try {
    return LockOwner::parse(read_file(path_));
  } catch (const DataError&) {
    return std::nullopt;
  }
}

/// Whether the lock was free and is ours now. Throws DataError where it can be nobody's.
bool RunLock::create() const {
  const fs::path own = own_file(folder_, me_);
  try {
    write_file(own, me_.text(), Links::kReplace);
  } catch (const DataError&) {
    ::unlink(own.c_str());  // it may stand all the same: where its folder cannot be synced
    throw;
  }
  const int linked = ::link(own.c_str(), path_.c_str());
  const int error = errno;
  struct stat status {};
  // A server that answered twice may say that the name was taken, by ourselves.
  const bool mine = linked == 0 || (::stat(own.c_str(), &status) == 0 && status.st_nlink == 2);
  ::unlink(own.c_str());
  if (mine) return true;
  if (error == EEXIST) return false;
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 && errno == EEXIST) return false;
  if (fd < 0)
    throw DataError(fmt::format("{}: cannot be made: {}", path_.string(), std::strerror(errno)));
  const std::string text = me_.text();
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (!whole) ::unlink(path_.c_str());
  return whole;
}

/// What processes of this host left that were killed while they made a lock: .run.lock.HOST.PID,
/// and what AtomicFile and take_over call it meanwhile.
void RunLock::remove_leftovers() const {
  const std::string of_host = fmt::format(".run.lock.{}.", me_.host);
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const size_t begin = name.find(of_host);
    if (begin > 1) continue;
    const int64_t pid = std::strtoll(name.c_str() + begin + of_host.size(), nullptr, 10);
    if (pid > 0 && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH)
      leftovers.push_back(at->path());
  }
  for (const fs::path& path : leftovers) fs::remove(path, error);
}

void RunLock::acquire() {
  constexpr int kMostTries = 10;
  try {
    for (int i = 0; i < kMostTries; ++i) {
      if (create()) {
        held_ = true;
        remove_leftovers();
        return;
      }
      const auto holder = owner();
      if (!holder && !changed_at(path_)) continue;  // it has just ended
      const LockOwner dead =
          holder.value_or(LockOwner{"a host that it does not name", "", 0, 0, 0});
      wait_for_death_of(dead);
      take_over(dead);
    }
  } catch (const DataError& failure) {
    log_.warn(fmt::format("{}; a second run in this folder would not be noticed", failure.what()));
    return;
  }
  log_.warn(fmt::format("{}: could not be taken: a second run in this folder would not be noticed",
                        path_.string()));
}

void RunLock::refuse(const LockOwner& owner) const {
  throw ConfigError(fmt::format(
      "run.out_dir {}: another run is under way there, process {} on {}: wait until it ends, stop "
      "it, or name another run.out_dir (its lock is {})",
      folder_.string(), owner.pid, owner.host, path_.filename().string()));
}

/// Whether the owner is a process of this machine that lives.
bool RunLock::may_live(const LockOwner& owner) const {
  const auto status = process_status(owner.pid);
  return status && status->started == owner.started && !status->is_dead();
}

/// Returns when the owner is dead or gone; throws where it lives.
void RunLock::wait_for_death_of(const LockOwner& owner) {
  const bool here = owner.machine == me_.machine;
  const fs::path probe = own_file(folder_, me_);
  const auto first = changed_at(path_);
  const auto until =
      std::chrono::steady_clock::now() + (here ? times_.grace : times_.stale + times_.beat);
  for (bool told = false;;) {
    const auto changed = changed_at(path_);
    if (!changed) return;
    if (here && !may_live(owner)) return;
    if (!here) {
      if (*changed != *first) refuse(owner);
      write_file(probe, "", Links::kReplace);
      const auto clock = changed_at(probe);
      ::unlink(probe.c_str());
      if (!clock || *clock - *changed > seconds(times_.stale)) return;
      if (!std::exchange(told, true))
        log_.info(
            fmt::format("{} holds a lock of {}: waiting up to {:.0f} s to see whether that "
                        "run still lives",
                        folder_.string(), owner.host, seconds(times_.stale)));
    }
    if (std::chrono::steady_clock::now() > until) {
      if (here) refuse(owner);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(here ? 50 : 250));
  }
}

void RunLock::remove_of_dead(const LockOwner& dead) const {
  try {
    take_over(dead);
  } catch (const DataError&) {  // it does not hold where it is either
  }
}

/// Removes the lock of a dead owner, unless another process has been faster.
void RunLock::take_over(const LockOwner& dead) const {
  const fs::path aside = folder_ / fmt::format(".run.lock.{}.{}.dead", me_.host, me_.pid);
  if (::rename(path_.c_str(), aside.c_str()) != 0) return;
  std::optional<LockOwner> taken;
  try {
    taken = LockOwner::parse(read_file(aside));
  } catch (const DataError&) {
    ::rename(aside.c_str(), path_.c_str());
    throw;
  }
  if (taken && !taken->is_same(dead)) {
    if (::link(aside.c_str(), path_.c_str()) != 0) ::rename(aside.c_str(), path_.c_str());
  } else {
    log_.info(fmt::format("the run that was here before, process {} on {}, ended without saying so",
                          dead.pid, dead.host));
  }
  ::unlink(aside.c_str());
}

/// Writes the heartbeat in place, if the lock is still ours.
void RunLock::beat() {
  const auto holder = owner();
  std::error_code error;
  if (!holder) {  // not there, or it cannot be read
    if (fs::exists(path_, error) || error) return;
    try {
      held_ = create();
    } catch (const DataError&) {
      return;  // a full disk: at the next beat
    }
    return;
  }
  if (!holder->is_same(me_)) {
    if (held_) lost_ = true;  // else it is what a dead one left and a full disk kept from us
    return;
  }
  held_ = true;
  LockOwner alive = me_;
  alive.heartbeat = now();
  const std::string text = alive.text();
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  if (::pwrite(fd, text.data(), text.size(), 0) < 0) ::futimens(fd, nullptr);
  ::close(fd);
}

void RunLock::keep_beating() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, times_.beat, [this] { return ending_; })) {
    lock.unlock();
    beat();
    lock.lock();
  }
}

void RunLock::require_held() const {
  if (!lost_) return;
  const auto holder = owner();
  throw ConfigError(fmt::format(
      "{}: another run{} has taken this folder over while this one stood still: it ends here, and "
      "the other one goes on",
      folder_.string(),
      holder ? fmt::format(", process {} on {},", holder->pid, holder->host) : ""));
}

}  // namespace precis
