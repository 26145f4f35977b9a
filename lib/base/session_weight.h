// How much of a shared machine this process' session gets.
#pragma once

#include <string>

namespace precis {

/// The steps of nice (autogroup(7)) at which a session weighs as much as it has cores: each step up
/// is 1.25 times the weight.
int session_nice(int cores);

/// Linux shares cores out among sessions first: threads on every core together get what one busy
/// process of another session gets. Where this process leads its session, so that nothing else of
/// the user's is in it, the session is made to weigh as much as it has cores, if that is allowed
/// (root with CAP_SYS_NICE) and the user asked for no less by `nice`. PRECIS_SESSION_NICE says
/// another figure, 0 none. Under mpirun its session is the launcher's, see launch/local.sh.
void weigh_session();

}  // namespace precis
