#include "lib/base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <sstream>
#include <thread>
#include <vector>

#include "lib/base/files.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "XYZ-05:30", 1);  // local time is not UTC's, and never doubtful
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

  /// The file without the times before its lines, each of which must have one between `began_` and
  /// now.
  std::string text() const {
    std::istringstream lines(read_file(file_));
    std::string all;
    for (std::string line; std::getline(lines, line); all += line + "\n") {
      std::tm local{};
      const char* end = ::strptime(line.c_str(), "%Y-%m-%d %H:%M:%S", &local);
      EXPECT_TRUE(end == line.c_str() + kTime - 1 && *end == ' ') << line;
      const std::time_t time = std::mktime(&local);
      EXPECT_TRUE(time >= began_ && time <= std::time(nullptr)) << line;
      line.erase(0, kTime);
    }
    return all;
  }

  static constexpr size_t kTime = 20;  // "2026-03-01 17:05:09 "
  fs::path file_;
  std::time_t began_ = std::time(nullptr);
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
  EXPECT_EQ(text(), "after\nwarning: careful\n");
}

TEST_F(LogTest, EveryLineOfTheFileHasItsTime) {
  const auto [out, err] = said([&] {
    Log log;
    log.open(file_);
    log.info("a block\n  of three\n  lines");
    log.info("");
  });
  EXPECT_EQ(out, "a block\n  of three\n  lines\n\n");
  EXPECT_EQ(text(), out);
}

TEST_F(LogTest, LinesAreInTheFileAtOnce) {
  said([&] {
    Log log;
    log.open(file_);
    log.info("a line");
    EXPECT_EQ(text(), "a line\n");
  });
}

TEST_F(LogTest, AppendsToWhatARunBeforeWrote) {
  for (const char* line : {"first run", "second run"})
    said([&] {
      Log log;
      log.open(file_);
      log.info(line);
    });
  EXPECT_EQ(text(), "first run\nsecond run\n");
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

TEST_F(LogTest, AFileThatCannotBeOpenedIsToldAndTakesItsLinesLater) {
  const auto folder = file_.parent_path() / "none";
  file_ = folder / "deeper" / "train.log";
  const auto [out, err] = said([&] {
    Log log;
    log.open(file_);
    log.info("before");
    EXPECT_FALSE(log.is_complete());
    fs::create_directories(file_.parent_path());
    log.info("after");
    EXPECT_TRUE(log.is_complete());
  });
  EXPECT_EQ(text(), "before\nafter\n");
  EXPECT_NE(err.find("warning: " + file_.string()), std::string::npos) << err;
  fs::remove_all(folder);
  file_ = folder;  // for TearDown
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
  std::istringstream lines(text());
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
