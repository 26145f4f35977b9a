#include "lib/run/stop_signal.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>

namespace precis {
namespace {

// Milliseconds of a clock that only rises; 0: not yet. A signal handler may touch it.
std::atomic<int64_t> requested_at{0};
static_assert(std::atomic<int64_t>::is_always_lock_free);

int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1'000'000 + 1;
}

/// `timeout` and others send a signal to a process and then to its group: that is one request.
constexpr int64_t kOneRequest = 300;  // milliseconds

void note(int signal) {
  const int64_t before = requested_at;
  if (before == 0) requested_at = now();
  if (signal != SIGINT || before == 0 || now() - before < kOneRequest) return;
  // Files are put in place whole, so that none is harmed.
  ::signal(SIGINT, SIG_DFL);
  ::raise(SIGINT);
}

bool hangup_is_ignored() {
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  return hangup.sa_handler == SIG_IGN;
}

// As the process found it. The linker's list of what runs before the libraries' own initialisers is
// the last chance to ask: UCX, which Open MPI 5 loads, takes SIGHUP for itself, nohup or not.
bool hangup_was_ignored = false;
[[gnu::section(".preinit_array"), gnu::used]] void (*ask_first)(int, char**, char**) =
    [](int, char**, char**) { hangup_was_ignored = hangup_is_ignored(); };

}  // namespace

void note_stop_signals() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) ::sigaction(signal, &action, nullptr);
  if (hangup_was_ignored) action.sa_handler = SIG_IGN;
  ::sigaction(SIGHUP, &action, nullptr);
}

bool stop_was_requested() {
  return requested_at != 0;
}

}  // namespace precis
