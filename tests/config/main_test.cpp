#include "lib/config/main.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "lib/base/errors.h"

namespace precis {
namespace {

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
