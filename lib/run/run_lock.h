// One run a folder: who writes there.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "lib/base/log.h"

namespace precis {

/// Who holds a lock, as the file says it.
struct LockOwner {
  std::string host;     ///< its name, for people
  std::string machine;  ///< boot and process namespace: where `pid` means something
  int64_t pid = 0;
  uint64_t started = 0;  ///< when that process began, in the kernel's ticks since boot
  double heartbeat = 0;  ///< Unix seconds, of the owner's clock

  static LockOwner me();
  /// Nothing where the text says no owner.
  static std::optional<LockOwner> parse(const std::string& text);
  std::string text() const;
  bool is_same(const LockOwner& other) const;
};

/// The file run.lock of a run folder, held from constructor to destructor. The lock of a process of
/// this machine holds while that process lives, that of another machine (which may share the folder
/// by NFS) while its heartbeat goes on: one that stands still for `stale` is dead. What a dead
/// owner left is taken over.
class RunLock {
 public:
  struct Times {
    std::chrono::milliseconds beat{5000};    ///< between two heartbeats
    std::chrono::milliseconds stale{60000};  ///< without one: dead
    std::chrono::milliseconds grace{1000};   ///< a process of this machine may be about to end
  };

  /// Makes the folder where there is none. Throws ConfigError naming host and process id of a run
  /// that is under way there. A folder in which no lock can be made (a full disk) is a warning.
  RunLock(const std::filesystem::path& folder, Log& log, const Times& times);
  RunLock(const std::filesystem::path& folder, Log& log) : RunLock(folder, log, Times{}) {}
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  /// Removes the file, and the folders it made if they are empty.
  ~RunLock();

  /// Throws ConfigError where another run has taken the lock over, as from a process that was
  /// stopped for long: it writes there now.
  void require_held() const;

 private:
  void make_folder();
  void remove_leftovers() const;
  void acquire();
  bool create() const;
  void wait_for_death_of(const LockOwner& owner);
  bool may_live(const LockOwner& owner) const;
  void take_over(const LockOwner& owner) const;
  void remove_of_dead(const LockOwner& dead) const;
  std::optional<LockOwner> owner() const;
  [[noreturn]] void refuse(const LockOwner& owner) const;
  void beat();
  void keep_beating();

  std::filesystem::path folder_, path_;
  Log& log_;
  Times times_;
  LockOwner me_;
  std::filesystem::path made_;  // the topmost folder that was not there
  std::atomic<bool> held_{false}, lost_{false};
  std::mutex mutex_;  // over ending_
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread heart_;
};

}  // namespace precis
