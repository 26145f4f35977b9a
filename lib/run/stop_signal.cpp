#include "lib/run/stop_signal.h"

#include <csignal>

namespace precis {
namespace {

volatile std::sig_atomic_t stop_requested = 0;  // all that a signal handler may touch

void note(int) {
  stop_requested = 1;
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
  return stop_requested != 0;
}

}  // namespace precis
