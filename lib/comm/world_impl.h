// What lib/comm keeps behind World. Only lib/comm includes this.
#pragma once

#include <mpi.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "lib/comm/world.h"

namespace precis {

struct World::Impl {
  MPI_Comm comm = MPI_COMM_NULL;    ///< all ranks
  MPI_Comm active = MPI_COMM_NULL;  ///< those the run goes on with
  int rank = 0, size = 1, local_rank = 0, local_size = 1, num_nodes = 1, node = 0;
  bool has_spares = false;
  std::atomic<bool> in_together{false};  ///< the work of World::together runs

  /// The watchdog's deadline, nanoseconds of the steady clock; 0: none.
  std::atomic<int64_t> deadline{0};
  std::atomic<double> timeout{1800};
  std::atomic<bool> ending{false};
  std::thread watchdog;

  void watch();
  /// What every collective asks first. Throws std::logic_error inside World::together, with one
  /// rank as with many, so that a mistake shows wherever it is tried.
  void require_outside_together(const char* collective) const;
};

/// While it lives, the watchdog counts: the time-out for one collective.
class Deadline {
 public:
  explicit Deadline(World::Impl& impl);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { impl_.deadline = before_; }

 private:
  World::Impl& impl_;
  int64_t before_;
};

/// Throws DeviceError with MPI's own words when a call failed.
void check_mpi(int result, const char* what);

/// Waits for a request with sleeps in between, so that a waiting thread leaves its core to those
/// who compute.
void wait_politely(MPI_Request& request);

}  // namespace precis
