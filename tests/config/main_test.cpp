#include "lib/config/main.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include "lib/base/errors.h"

namespace precis {
namespace {

template <typename Thrown>
Failure failure_of(const Thrown& thrown) {
  return describe_failure(std::make_exception_ptr(thrown));
}

TEST(DescribeFailure, ErrorsKeepCodeAndWords) {
  EXPECT_EQ(failure_of(ConfigError("x.yaml:2: no")).code, 2);
  EXPECT_EQ(failure_of(DataError("a.csv: no")).code, 3);
  EXPECT_EQ(failure_of(DeviceError("no GPU")).code, 4);
  EXPECT_EQ(failure_of(Error(ExitCode::kStopped, "stopped")).code, 75);
  EXPECT_EQ(failure_of(DataError("a.csv: no")).message, "a.csv: no");
}

TEST(DescribeFailure, SystemErrorsBecomeSentences) {
  namespace fs = std::filesystem;
  const Failure file = failure_of(fs::filesystem_error(
      "cannot open", "/a/b", std::make_error_code(std::errc::permission_denied)));
  EXPECT_EQ(file.code, 1);
  EXPECT_EQ(file.message, "/a/b: Permission denied");
  const Failure thread = failure_of(
      std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again)));
  EXPECT_EQ(thread.message, "the system refused a request: Resource temporarily unavailable");
  EXPECT_NE(failure_of(std::bad_alloc()).message.find("not enough memory"), std::string::npos);
}

TEST(DescribeFailure, OtherLibrariesAreNotNamed) {
  for (const char* what :
       {"[json.exception.type_error.302] type must be string", "yaml-cpp: error at line 1",
        "std::get: wrong index for variant", "basic_string::_M_replace", "vector::_M_range_check",
        "stoi", "bad_variant_access", ""}) {
    const Failure failure = failure_of(std::runtime_error(what));
    EXPECT_EQ(failure.code, 1);
    EXPECT_EQ(failure.message, "internal error; please report it with the command line") << what;
  }
  EXPECT_EQ(
      failure_of(std::runtime_error("sizes 3 and 4 do not match\nException raised from f at g.cpp"))
          .message,
      "internal error: sizes 3 and 4 do not match; please report it with the command line");
  EXPECT_EQ(failure_of(5).message, "internal error; please report it with the command line");
}

TEST(FailureText, IndentsSeveralErrors) {
  EXPECT_EQ(failure_text("trainer", {2, "x.yaml:2: no"}), "trainer: x.yaml:2: no\n");
  EXPECT_EQ(failure_text("trainer", {2, "a\nb"}), "trainer: several things are wrong:\n  a\n  b\n");
}

TEST(RunMain, ReturnsTheCodeOfTheBody) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_main("p", 0, nullptr, [](int, char**) { return 75; }), 75);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(RunMain, TurnsWhatIsThrownIntoOneMessage) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(
      run_main("p", 0, nullptr, [](int, char**) -> int { throw DataError("a.csv: row 3: no"); }),
      3);
  EXPECT_EQ(
      run_main("p", 0, nullptr, [](int, char**) -> int { throw std::runtime_error("std::x"); }), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "p: a.csv: row 3: no\np: internal error; please report it with the command line\n");
}

TEST(RunMainDeathTest, SaysThatOutputWasLost) {
  // /dev/full takes nothing, as a full disk would.
  const auto to_full_disk = [](int (*body)(int, char**)) {
    if (std::freopen("/dev/full", "w", stdout) == nullptr) std::exit(99);
    std::exit(run_main("p", 0, nullptr, body));
  };
  EXPECT_EXIT(to_full_disk([](int, char**) { return std::printf("result\n") > 0 ? 0 : 99; }),
              testing::ExitedWithCode(1),
              "p: standard output cannot be written: No space left on device");
  EXPECT_EXIT(to_full_disk([](int, char**) {
                std::cout << "result\n";
                return 0;
              }),
              testing::ExitedWithCode(1), "p: standard output cannot be written");
  EXPECT_EXIT(to_full_disk([](int, char**) { return 0; }), testing::ExitedWithCode(0), "");
}

TEST(RunMainDeathTest, AReaderThatHasGoneIsToldNotASignal) {
  const auto to_nobody = [](int (*body)(int, char**)) {
    int ends[2];
    if (::pipe(ends) != 0 || ::dup2(ends[1], STDOUT_FILENO) < 0) std::exit(99);
    ::close(ends[0]);
    ::close(ends[1]);
    std::exit(run_main("p", 0, nullptr, body));
  };
  EXPECT_EXIT(to_nobody([](int, char**) { return std::printf("result\n") > 0 ? 0 : 99; }),
              testing::ExitedWithCode(1), "p: standard output cannot be written: Broken pipe");
}

}  // namespace
}  // namespace precis
