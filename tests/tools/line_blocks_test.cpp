// Lines that several threads work on: in order, at once, and to the first error.
#include "lib/tools/line_blocks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include "lib/base/utf8.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::expect_words;

/// What the work ended with; nothing where it did its all.
std::string error_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// "NUMBER LENGTH FIRST-BYTE" for each line, which shows its place and its content.
void describe_line(std::string_view line, int64_t number, std::string& out) {
  out += std::to_string(number) + " " + std::to_string(line.size()) + " " +
         std::string(line.substr(0, 1)) + "\n";
}

void describe(const LineBlock& block, std::string& out) {
  block.for_each_line(
      [&](std::string_view line, int64_t number) { describe_line(line, number, out); });
}

/// The same, line after line.
std::string description(std::string_view text) {
  std::string out;
  for (int64_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    describe_line(line, number, out);
  }
  return out;
}

class LineBlocksOfFiles : public ::testing::Test {
 protected:
  /// What the work puts out for an input in a file.
  std::string run(const std::string& text, int num_threads, const LineWork& work = describe) {
    write_file(folder_ / "in", text);
    const int in = ::open((folder_ / "in").c_str(), O_RDONLY);
    const int out = ::open((folder_ / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    InputStream input(in);
    OutputStream output(out);
    error_ = error_of([&] { work_on_lines(input, output, num_threads, work); });
    ::close(in);
    ::close(out);
    return read_file(folder_ / "out");
  }

  testing::TemporaryFolder folder_;
  std::string error_;
};

TEST_F(LineBlocksOfFiles, GiveEachLineOnceAndInOrder) {
  RandomStream random(17);
  std::string text;
  while (text.size() < 5'000'000)
    text += std::string(random.below(3000), static_cast<char>('a' + random.below(26))) + "\n";
  for (const int num_threads : {0, 1, 2, 5}) {
    ASSERT_EQ(run(text, num_threads), description(text)) << num_threads;
    EXPECT_EQ(error_, "");
  }
}

/// Reads end in the middle of lines, between them, and many reads make one line.
TEST_F(LineBlocksOfFiles, MayHaveAnyLengthAndEnd) {
  constexpr size_t kRead = size_t{1} << 18;
  std::vector<std::string> texts{"", "\n", "\n\n\n", "a", "a\n", "a\nb", "\na", "a\r\nb\r\n"};
  for (const size_t near : {kRead - 2, kRead - 1, kRead, kRead + 1})
    for (const std::string after : {"", "\n", "\nb", "\nb\n", "\n\n"})
      texts.push_back(std::string(near, 'a') + after);
  texts.push_back("x\n" + std::string(10 * kRead + 5, 'y') + "\nz\n" + std::string(3 * kRead, 'w'));
  texts.push_back(std::string(2 * kRead + 7, '\n'));
  for (const std::string& text : texts)
    for (const int num_threads : {1, 3})
      ASSERT_EQ(run(text, num_threads), description(text)) << text.size() << " " << num_threads;
}

TEST_F(LineBlocksOfFiles, LeaveOutTheMarkAtTheBeginningAlone) {
  const std::string mark(kByteOrderMark);
  EXPECT_EQ(run(mark + "a\n" + mark + "b\n", 2), "1 1 a\n2 4 \xEF\n");
}

TEST_F(LineBlocksOfFiles, EndAtTheFirstErrorInTheOrderOfLines) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += i == 100'000 || i > 100'005 ? "wrong\n" : "right\n";
  const LineWork work = [](const LineBlock& block, std::string& out) {
    block.for_each_line([&](std::string_view line, int64_t number) {
      if (line == "wrong") throw DataError("line " + std::to_string(number));
      describe_line(line, number, out);
    });
  };
  for (const int num_threads : {1, 2, 8}) {
    const std::string out = run(text, num_threads, work);
    EXPECT_EQ(error_, "line 100001");
    EXPECT_EQ(out, description(text.substr(0, 600'000))) << num_threads;
  }
}

/// Both ends of a pipe, closed at the end.
struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends), 0); }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  void close_reader() { close(ends[0]); }
  void close_writer() { close(ends[1]); }
  static void close(int& end) {
    if (end >= 0) ::close(std::exchange(end, -1));
  }
  void put(std::string_view text) const {
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// What comes within ten seconds.
  std::string get() const {
    pollfd asked{ends[0], POLLIN, 0};
    if (::poll(&asked, 1, 10'000) != 1) return "nothing came";
    std::string text(1000, '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(ends[0], text.data(), 1000))));
    return text;
  }
  int ends[2] = {-1, -1};
};

std::future<std::string> start(const Pipe& from, const Pipe& to, const LineWork& work) {
  return std::async(std::launch::async, [&from, &to, work] {
    InputStream input(from.ends[0]);
    OutputStream output(to.ends[1]);
    return error_of([&] { work_on_lines(input, output, 3, work); });
  });
}

TEST(LineBlocks, AnswerALineBeforeTheNextOneIsTyped) {
  Pipe from, to;
  std::future<std::string> error = start(from, to, describe);
  for (const char* line : {"a\n", "bb\nccc\n", "\n"}) {
    from.put(line);
    const std::string answer = to.get();
    EXPECT_NE(answer.find(std::to_string(std::string_view(line).find('\n'))), std::string::npos)
        << answer;
  }
  from.put("half of");
  from.put(" a line");
  from.close_writer();
  EXPECT_EQ(to.get(), "5 14 h\n");
  EXPECT_EQ(error.get(), "");
}

TEST(LineBlocks, AnErrorDoesNotWaitForMoreInput) {
  for (const char* rest : {"", "half a line"}) {
    Pipe from, to;
    std::future<std::string> error = start(from, to, [](const LineBlock& block, std::string& out) {
      out += "begun\n";
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // another thread would read
      throw DataError("line " + std::to_string(block.first_line));
    });
    from.put(std::string("x\n") + rest);
    const bool ended = error.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    EXPECT_TRUE(ended);
    from.close_writer();
    EXPECT_EQ(error.get(), "line 1");
    EXPECT_EQ(to.get(), "begun\n");
  }
}

TEST(LineBlocks, AReaderThatHasGoneIsAnError) {
  std::signal(SIGPIPE, SIG_IGN);  // as run_main() does
  Pipe from, to;
  to.close_reader();
  std::future<std::string> error = start(from, to, describe);
  from.put("a\n");
  const bool ended = error.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  EXPECT_TRUE(ended);
  from.close_writer();
  expect_words(error.get(), {"standard output cannot be written"});
}

TEST(LineBlocks, WhatCannotBeReadIsAnError) {
  Pipe to;
  InputStream input(::open("/", O_RDONLY));
  OutputStream output(to.ends[1]);
  expect_words(error_of([&] { work_on_lines(input, output, 2, describe); }),
               {"standard input cannot be read", "directory"});
}

}  // namespace
}  // namespace precis
