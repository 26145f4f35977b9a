// What lib/comm keeps behind World. Only lib/comm includes this.
#pragma once

#include <mpi.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "lib/comm/launcher.h"
#include "lib/comm/roll_call.h"
#include "lib/comm/watchdog.h"
#include "lib/comm/world.h"

namespace precis {

struct World::Impl {
  explicit Impl(double timeout_seconds);

  MPI_Comm comm = MPI_COMM_NULL;    ///< all ranks
  MPI_Comm active = MPI_COMM_NULL;  ///< those the run goes on with
  MPI_Comm calls = MPI_COMM_NULL;   ///< of roll_call
  int rank, size;
  int local_rank = 0, local_size = 1, num_nodes = 1, node = 0;
  bool has_spares = false;
  std::atomic<bool> in_together{false};  ///< the work of World::together runs
  std::atomic<double> timeout;
  /// Between MPI_Init and MPI_Finalize: the world can be aborted.
  std::atomic<bool> is_running{false};
  Launcher launcher;

  std::mutex activity_mutex;
  std::string activity = "start";

  std::mutex roll_mutex;
  std::optional<RollCall> roll_call;  ///< while is_running, where there are others

  Watchdog watchdog;  ///< the last member: its thread uses those above

  /// MPI_Init to the ranks and nodes that there are; each throws DeviceError.
  void start();
  void find_nodes();
  /// Ends MPI, together with the others.
  void end();
  void meet_all();

  /// What every collective asks first. Throws std::logic_error inside World::together, with one
  /// rank as with many, so that a mistake shows wherever it is tried.
  void require_outside_together(const char* collective) const;

  /// "rank 1 (iteration 12)"
  std::string name();
  /// What the watchdog does. Both end the process.
  void late(const Watchdog::Wait& wait);
  void leave_if_launcher_is_gone();
  void answer_roll_call(const Watchdog::Wait& wait);
  /// Ends all ranks, this one at the latest after 10 s, whatever MPI does.
  [[noreturn]] void end_all_ranks(ExitCode code);
};

/// While it lives, the time of a call that may wait for other ranks is limited: when it is over all
/// ranks end, and the message names the call. For one thread of the process at a time; limits may
/// lie in each other.
class Deadline {
 public:
  /// The world's time-out. `call`: a literal, as of MPI.
  Deadline(World::Impl& impl, const char* call) : Deadline(impl, call, impl.timeout) {}
  Deadline(World::Impl& impl, const char* call, double seconds)
      : impl_(impl), before_(impl.watchdog.exchange({call, seconds, 0})) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { impl_.watchdog.exchange(before_); }

 private:
  World::Impl& impl_;
  Watchdog::Wait before_;
};

/// Throws DeviceError with MPI's own words when a call failed.
void check_mpi(int result, const char* what);

/// Waits for a request with sleeps in between, so that a waiting thread leaves its core to those
/// who compute. Returns whether it has ended; not where `given_up` became true before.
bool wait_politely(MPI_Request& request, const std::atomic<bool>* given_up = nullptr);

}  // namespace precis
