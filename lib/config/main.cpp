#include "lib/config/main.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <new>
#include <string_view>
#include <system_error>

#include "lib/base/errors.h"

namespace precis {
namespace {

/// The first line of another library's message if it is fit for people, else nothing.
std::string readable_line(std::string_view message) {
  constexpr size_t kLongest = 300;
  static constexpr std::string_view kForeign[] = {
      "::",        "yaml-cpp", "nlohmann", "json.exception", "basic_string", "bad_", "vector",
      "terminate", "c10",      "stoi",     "stod",           "map.at",       "__"};
  const std::string_view line = message.substr(0, message.find('\n'));
  const auto names = [&](std::string_view word) {
    return line.find(word) != std::string_view::npos;
  };
  if (line.empty() || line.size() > kLongest ||
      std::any_of(std::begin(kForeign), std::end(kForeign), names))
    return "";
  return std::string(line);
}

Failure other(std::string message) {
  return {static_cast<int>(ExitCode::kOther), std::move(message)};
}

}  // namespace

Failure describe_failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return {static_cast<int>(known.code()), known.what()};
  } catch (const std::filesystem::filesystem_error& failed) {
    const std::string path = failed.path1().string();
    return other((path.empty() ? "a file" : path) + ": " + failed.code().message());
  } catch (const std::system_error& failed) {
    return other("the system refused a request: " + failed.code().message());
  } catch (const std::bad_alloc&) {
    return other(
        "there is not enough memory; use smaller batches or a smaller model, or a machine with "
        "more");
  } catch (const std::exception& unknown) {
    const std::string line = readable_line(unknown.what());
    return other("internal error" + (line.empty() ? "" : ": " + line) +
                 "; please report it with the command line");
  } catch (...) {
    return other("internal error; please report it with the command line");
  }
}

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
    failure = other(
        fmt::format("standard output cannot be written: {}",
                    errno != 0 ? std::generic_category().message(errno) : "some of it was lost"));
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
