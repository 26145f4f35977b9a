// SIGTERM, SIGINT and SIGUSR1: asked to stop, save and exit 75.
#pragma once

namespace precis {

/// From its construction on those signals no longer kill the process but are noted. Install before
/// MPI starts. The state is the process's own, as signals are.
void note_stop_signals();

/// Whether one has come.
bool stop_was_requested();

}  // namespace precis
