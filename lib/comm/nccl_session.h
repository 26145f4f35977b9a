// The life of an NCCL communicator: what polls, times out and aborts.
#pragma once

#include <chrono>
#include <functional>

#include "lib/comm/nccl_api.h"

namespace precis {

/// A communicator from connect to the destructor, for one thread. An error, or a time-out, aborts
/// it, once, and throws DeviceError; calls after that throw the same words again.
class NcclSession {
 public:
  /// `api` must outlive the session. `timeout`: seconds, asked at each wait.
  NcclSession(NcclApi& api, std::function<double()> timeout);
  NcclSession(const NcclSession&) = delete;
  NcclSession& operator=(const NcclSession&) = delete;
  /// Ends the communicator together with its peers. While an exception is under way, or with sums
  /// that nobody waited for, it aborts at once instead: what is to be said must not wait for peers
  /// that may never come.
  ~NcclSession();

  /// The id by which ranks find each other; asked by one of them.
  std::string unique_id();
  /// Connects to the other ranks.
  void connect(int size, const std::string& id, int rank);
  /// Enqueues a sum over ranks, in place, behind what the stream of the api holds.
  void all_reduce(float* data, int64_t numel);
  /// Returns when all sums begun are there. The host waits, too, but not for ever: a peer that died
  /// leaves NCCL's kernel spinning.
  void wait();

 private:
  /// What is being done: in words, and the call of NCCL.
  struct Doing {
    const char* what;
    const char* call;
  };
  using Clock = std::chrono::steady_clock;

  /// Waits until a call that was made has its result. Throws when that is an error.
  void settle(int result, const Doing& doing);
  /// What the communicator says of itself: an error of the question is an error, too.
  int ask();
  void require_alive() const;
  Clock::time_point limit() const;
  [[noreturn]] void fail(int result, const Doing& doing);
  [[noreturn]] void fail_late(const Doing& doing);
  [[noreturn]] void end_with(const std::string& message);
  bool finalize();

  NcclApi& api_;
  std::function<double()> timeout_;
  int exceptions_;  // under way when this was made
  bool in_flight_ = false;
  std::string failure_;
};

}  // namespace precis
