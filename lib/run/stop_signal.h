// SIGTERM, SIGINT, SIGUSR1 and SIGHUP (a terminal that closes): asked to stop, save and exit 75.
#pragma once

namespace precis {

/// From now on those signals no longer kill the process but are noted; only a SIGINT that comes
/// after one that was noted, from somebody who does not want to wait, ends it at once, as it ends
/// other programs. A SIGHUP that is ignored, as nohup has it, stays so. Call before MPI starts. The
/// state is the process's own, as signals are.
void note_stop_signals();

/// Whether one has come.
bool stop_was_requested();

}  // namespace precis
