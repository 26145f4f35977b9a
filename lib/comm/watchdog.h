// Waits that must not last for ever.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace precis {

/// A thread that looks at what another one waits for. Time in which this process was stopped (a job
/// that was suspended as a whole) does not count.
class Watchdog {
 public:
  /// A wait under way.
  struct Wait {
    const char* call = nullptr;  ///< what is waited in; null: nothing
    double limit = 0;            ///< seconds
    double waited = 0;           ///< seconds by now
  };
  /// What follows from it, all on the thread of the watchdog.
  struct Handlers {
    std::function<void(const Wait&)> late;     ///< a wait has come to its limit; said once a wait
    std::function<void(const Wait&)> waiting;  ///< twice a second from the first second of a wait
    std::function<void()> always;              ///< twice a second
  };

  explicit Watchdog(Handlers handlers);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  /// From now on this is the wait, until it is exchanged for what this returns: waits may lie in
  /// each other.
  Wait exchange(const Wait& wait);

 private:
  void watch();
  void look(double passed, bool at_length);

  Handlers handlers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Wait wait_;
  bool told_ = false;  // of this wait
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace precis
