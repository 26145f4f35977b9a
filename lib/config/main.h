// The outermost layer of every program: what it threw becomes one message and an exit code.
#pragma once

#include <string>

#include "lib/base/failure.h"

namespace precis {

/// "trainer: MESSAGE\n", each line of a message of several lines indented below the first.
std::string failure_text(const std::string& program, const Failure& failure);

/// Runs a program's body and returns its exit code. What it throws becomes one message on stderr;
/// so does output that could not be written (a full disk behind a redirected stdout, a reader that
/// has gone: SIGPIPE is ignored).
int run_main(const char* program, int argc, char** argv, int (*body)(int, char**));

}  // namespace precis
