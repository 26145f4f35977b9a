#include "lib/comm/watchdog.h"

#include <algorithm>
#include <utility>

namespace precis {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{50};
constexpr int kLooksBetween = 10;  // of the handlers that are called twice a second
constexpr double kLong = 1;        // seconds: waits that others may ask about

}  // namespace

Watchdog::Watchdog(Handlers handlers)
    : handlers_(std::move(handlers)), thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Watchdog::Wait Watchdog::exchange(const Wait& wait) {
  const std::lock_guard lock(mutex_);
  told_ = false;
  return std::exchange(wait_, wait);
}

void Watchdog::watch() {
  auto before = Clock::now();
  for (int looks = 1;; ++looks) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, kLook, [this] { return ending_; })) return;
    }
    const auto now = Clock::now();
    // Between two looks lies a moment, and whatever is more has this process not lived through.
    constexpr double kMost = 1;
    const double passed = std::chrono::duration<double>(now - std::exchange(before, now)).count();
    look(std::min(passed, kMost), looks % kLooksBetween == 0);
  }
}

void Watchdog::look(double passed, bool at_length) {
  Wait wait;
  bool late = false;
  {
    const std::lock_guard lock(mutex_);
    wait_.waited += passed;
    wait = wait_;
    late = wait.call != nullptr && wait.waited > wait.limit && !told_;
    told_ = told_ || late;
  }
  if (late) handlers_.late(wait);
  if (!at_length) return;
  if (wait.call != nullptr && wait.waited > kLong) handlers_.waiting(wait);
  handlers_.always();
}

}  // namespace precis
