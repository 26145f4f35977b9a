// The processes of a run: MPI from constructor to destructor, and small values between them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/base/errors.h"

namespace precis {

/// How long a rank waits for the others, where nothing else is said.
constexpr double kDefaultTimeout = 1800;  // seconds

/// All ranks of one run. One object a program, made in main before threads are; passed by
/// reference. The members marked collective must be called by every rank, in the same order. A
/// collective that does not end within the time-out (a peer that died, was stopped or hangs) ends
/// all ranks with exit code 4 and a message that names call, activity and the ranks that do not
/// answer; so do MPI's start and end. A rank whose launcher has died leaves with exit code 4.
/// Inside the work that together() runs every collective, those of Collectives too, throws
/// std::logic_error.
class World {
 public:
  /// Starts MPI; without a launcher that is a world of one process. The time-out holds for the
  /// start, too.
  explicit World(double timeout_seconds = kDefaultTimeout);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  /// Ends MPI, together with all other ranks; lets spare ranks go.
  ~World();

  int rank() const;
  int size() const;
  int local_rank() const;  ///< among the ranks of this node
  int local_size() const;
  int num_nodes() const;
  int node() const;  ///< of this rank, from 0
  bool is_root() const { return rank() == 0; }
  void set_timeout(double seconds);
  /// What this rank is about ("iteration 12"), for messages of ranks that end.
  void set_activity(const std::string& activity) const;

  /// Collective. Element-wise sum over ranks, the same bits on all of them.
  void sum(std::span<double> values) const;
  /// Collective. What each rank says, by rank; on every rank.
  std::vector<std::string> all_gather(const std::string& mine) const;
  /// Collective. The same on the root only; others get nothing.
  std::vector<std::string> gather(const std::string& mine) const;
  /// Collective. The root's bytes.
  std::string broadcast(const std::string& roots) const;
  /// Collective.
  void barrier() const;

  /// Collective. Runs work on every rank; if it throws anywhere, all ranks throw the lowest such
  /// rank's error as a SharedError, so that what many ranks would say is said once. The work must
  /// be this rank's own, without any collective in it: a rank whose work throws would leave the
  /// others in that one. A collective in it is refused on every rank, whether anything failed or
  /// not.
  void together(const std::function<void()>& work) const;

  /// Goes on with rank 0 alone. On it size() is 1 from here on; the others must call
  /// wait_as_spare() and then end.
  void continue_with_root();
  /// Sleeps until the root ends; takes about no CPU.
  void wait_as_spare() const;

  /// Ends all ranks at once, naming this one and its activity: for errors that others cannot know
  /// of.
  [[noreturn]] void abort(ExitCode code, const std::string& message) const;

  struct Impl;
  Impl& impl() const { return *impl_; }  ///< for the rest of lib/comm

 private:
  std::unique_ptr<Impl> impl_;
};

/// An error that every rank throws: the root reports it, and all end with its code.
class SharedError : public Error {
 public:
  using Error::Error;
};

}  // namespace precis
