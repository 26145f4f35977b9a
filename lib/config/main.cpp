#include "lib/config/main.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <system_error>

#include "lib/base/errors.h"

namespace precis {

std::string failure_text(const std::string& program, const Failure& failure) {
  std::string out = program + ": ";
  if (failure.message.find('\n') != std::string::npos) out += "several things are wrong:\n  ";
  for (const char c : failure.message) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out + "\n";
}

int run_main(const char* program, int argc, char** argv, int (*body)(int, char**)) {
  // A reader that goes away makes a write fail, which is told in a sentence, as a full disk is.
  std::signal(SIGPIPE, SIG_IGN);
  Failure failure;
  try {
    const int code = body(argc, argv);
    errno = 0;
    std::cout.flush();
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good()) return code;
    failure = {
        static_cast<int>(ExitCode::kOther),
        fmt::format("standard output cannot be written: {}",
                    errno != 0 ? std::generic_category().message(errno) : "some of it was lost")};
  } catch (...) {
    failure = describe_failure(std::current_exception());
    std::cout.flush();
    std::fflush(stdout);
  }
  const std::string text = failure_text(program, failure);
  std::fwrite(text.data(), 1, text.size(), stderr);
  return failure.code;
}

}  // namespace precis
