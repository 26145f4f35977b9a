// The outermost layer of every program: what it threw becomes one message and an exit code.
#pragma once

#include <exception>
#include <string>

namespace precis {

/// How a program ended: its exit code and, for people, why.
struct Failure {
  int code = 1;
  std::string
      message;  ///< one sentence, or a line for each of several errors; names no library of ours
};

/// What an exception means. `Error`: its own code and words; a failed system call or no memory
/// left: 1 and a sentence; anything else is a defect of ours: 1 and a sentence that says so.
Failure describe_failure(const std::exception_ptr& error);

/// "trainer: MESSAGE\n", each line of a message of several lines indented below the first.
std::string failure_text(const std::string& program, const Failure& failure);

/// Runs a program's body and returns its exit code. What it throws becomes one message on stderr;
/// so does output that could not be written (a full disk behind a redirected stdout, a reader that
/// has gone: SIGPIPE is ignored).
int run_main(const char* program, int argc, char** argv, int (*body)(int, char**));

}  // namespace precis
