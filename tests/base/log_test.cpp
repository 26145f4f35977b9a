#include "lib/base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <thread>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "precis-log-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    file_ = fs::path(name) / "train.log";
  }
  void TearDown() override { fs::remove_all(file_.parent_path()); }

  /// What the calls write to stdout and stderr.
  template <typename Calls>
  static std::pair<std::string, std::string> said(Calls calls) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    calls();
    return {testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }

  fs::path file_;
};

TEST_F(LogTest, WritesToTheTerminalAndTheFile) {
  const auto [out, err] = said([&] {
    Log log;
    log.info("before");
    log.open(file_);
    log.info("after");
    log.warn("careful");
  });
  EXPECT_EQ(out, "before\nafter\n");
  EXPECT_EQ(err, "warning: careful\n");
  EXPECT_EQ(read_file(file_), "after\nwarning: careful\n");
}

TEST_F(LogTest, LinesAreInTheFileAtOnce) {
  said([&] {
    Log log;
    log.open(file_);
    log.info("a line");
    EXPECT_EQ(read_file(file_), "a line\n");
  });
}

TEST_F(LogTest, AppendsToWhatARunBeforeWrote) {
  for (const char* line : {"first run", "second run"})
    said([&] {
      Log log;
      log.open(file_);
      log.info(line);
    });
  EXPECT_EQ(read_file(file_), "first run\nsecond run\n");
}

TEST_F(LogTest, ASilentLogLeavesNoTrace) {
  const auto [out, err] = said([&] {
    Log log(false);
    log.open(file_);
    log.info("x");
    log.warn("y");
  });
  EXPECT_EQ(out + err, "");
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(LogTest, OpenErrorsNameTheFile) {
  Log log;
  try {
    log.open(file_.parent_path() / "none" / "train.log");
    FAIL() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("none/train.log: "), std::string::npos)
        << error.what();
  }
}

TEST_F(LogTest, LinesOfSeveralThreadsDoNotMix) {
  constexpr int kThreads = 4, kLines = 200;
  said([&] {
    Log log;
    log.open(file_);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < kLines; ++i) log.info(std::string(50, static_cast<char>('a' + t)));
      });
    for (std::thread& thread : threads) thread.join();
  });
  std::istringstream lines(read_file(file_));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_EQ(line.size(), 50u);
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [&](char c) { return c == line[0]; }))
        << line;
  }
  EXPECT_EQ(count, kThreads * kLines);
}

}  // namespace
}  // namespace precis
