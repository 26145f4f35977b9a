#include "lib/run/stop_signal.h"

#include <csignal>

namespace precis {
namespace {

volatile std::sig_atomic_t stop_requested = 0;  // all that a signal handler may touch

void note(int) {
  stop_requested = 1;
}

}  // namespace

void note_stop_signals() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) ::sigaction(signal, &action, nullptr);
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);
}

bool stop_was_requested() {
  return stop_requested != 0;
}

}  // namespace precis
