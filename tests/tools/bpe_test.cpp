// What the program bpe does with files and streams: what it learns gives every text back.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "lib/text/json_text.h"
#include "lib/tools/bpe_decode.h"
#include "lib/tools/bpe_encode.h"
#include "lib/tools/bpe_train.h"
#include "tests/formats/made_files.h"

namespace precis {
namespace {

using testing::error_of;
using testing::expect_words;
using Work = void (*)(const BpeTokenizer&, InputStream&, OutputStream&);

template <auto kWork, int kThreads>
void with_threads(const BpeTokenizer& tokenizer, InputStream& input, OutputStream& output) {
  kWork(tokenizer, input, output, kThreads);
}
constexpr Work kEncodeLines = with_threads<encode_json_lines, 3>;
constexpr Work kDecodeLines = with_threads<decode_json_lines, 3>;

/// A vocabulary of 300 tokens, learnt from a plain text and a CSV file.
class BpeTools : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (int i = 0; i < 30; ++i) text += "the cat sat on the mat, and the other cat, too\n";
    write_file(folder_ / "plain.txt", text);
    write_file(folder_ / "table.csv", "id,dialogue\nzyzzy,wyrwyr wyrwyr\nzyzzy,wyrwyr\n");
  }

  BpeTokenizer train(const std::vector<std::string>& names, int32_t size = 300) {
    std::vector<std::string> files;
    for (const std::string& name : names) files.push_back((folder_ / name).string());
    return train_vocabulary(files, folder_ / "vocab", size);
  }

  /// What the work puts out for this input; what it throws goes on, and what it had put out by then
  /// is in out_.
  std::string run(Work work, const BpeTokenizer& tokenizer, const std::string& input) {
    write_file(folder_ / "in", input);
    const int in = ::open((folder_ / "in").c_str(), O_RDONLY);
    const int out = ::open((folder_ / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    InputStream from(in);
    OutputStream to(out);
    const auto finish = [&] {
      ::close(in);
      ::close(out);
      out_ = read_file(folder_ / "out");
    };
    try {
      work(tokenizer, from, to);
    } catch (...) {
      finish();
      throw;
    }
    finish();
    return out_;
  }

  testing::TemporaryFolder folder_;
  std::string out_;
};

TEST_F(BpeTools, LearnsWordsOfTextsAndOfCellsButNoIds) {
  const BpeTokenizer tokenizer = train({"plain.txt", "table.csv"});
  EXPECT_EQ(tokenizer.encode(" the").size(), 1U);
  EXPECT_LT(tokenizer.encode("wyrwyr").size(), 4U);
  EXPECT_EQ(tokenizer.encode("zyzzy").size(), 5U);
  const BpeTokenizer saved = BpeTokenizer::load(folder_ / "vocab");
  EXPECT_EQ(saved.encode("the other mat"), tokenizer.encode("the other mat"));
}

TEST_F(BpeTools, TextsComeBackByteForByte) {
  const BpeTokenizer tokenizer = train({"plain.txt"});
  const std::string text = "the cat\r\n\n  sat: \xC3\xA9 \xFF no end of line";
  const std::string ids = run(encode_text, tokenizer, text);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), '\n'), 1);
  EXPECT_LT(static_cast<size_t>(std::count(ids.begin(), ids.end(), ' ')), text.size());
  EXPECT_EQ(run(decode_text, tokenizer, ids), text);
  EXPECT_EQ(run(encode_text, tokenizer, ""), "\n");
  EXPECT_EQ(run(decode_text, tokenizer, "\n"), "");
}

TEST_F(BpeTools, JsonLinesComeBackLineForLine) {
  const BpeTokenizer tokenizer = train({"plain.txt"});
  const std::string lines = "\"the cat\"\n\"\"\n\"two\\nlines, \\\"quoted\\\"\"\n";
  const std::string ids = run(kEncodeLines, tokenizer, "\xEF\xBB\xBF" + lines);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), '\n'), 3);
  EXPECT_NE(ids.find("]\n[]\n["), std::string::npos) << ids;
  EXPECT_EQ(run(kDecodeLines, tokenizer, ids), lines);
}

TEST_F(BpeTools, LongInputGoesThroughInBlocks) {
  const BpeTokenizer tokenizer = train({"plain.txt"});
  std::string lines;
  while (lines.size() < (size_t{5} << 19))
    lines += "\"" + std::string(lines.size() % 999, 'x') + "\"\n";
  EXPECT_EQ(run(kDecodeLines, tokenizer, run(kEncodeLines, tokenizer, lines)), lines);
}

/// Escapes and characters of several bytes lie at every place of a block of 16 bytes, and lines at
/// every place of a read.
TEST_F(BpeTools, EveryLineIsAsIfItWereAlone) {
  const BpeTokenizer tokenizer = train({"plain.txt"});
  std::string lines, expected;
  while (lines.size() < (size_t{3} << 19)) {
    std::string text;
    const size_t length = lines.size() % 101;
    for (const char* part : {"\n", "\xC3\xA9", "\"", "\\", "the cat", "\r\n", "\x01"})
      text += std::string(length / 3, 'x') + part;
    append_json_string(lines, text);
    lines += lines.size() % 2 == 0 ? "\n" : "\r\n";
    expected += "[";
    for (const int32_t id : tokenizer.encode(text))
      expected += (expected.ends_with('[') ? "" : ", ") + std::to_string(id);
    expected += "]\n";
  }
  lines.pop_back();  // the last line has no end
  EXPECT_EQ(run(kEncodeLines, tokenizer, lines), expected);
  EXPECT_EQ(run(with_threads<encode_json_lines, 1>, tokenizer, lines), expected);
}

TEST_F(BpeTools, WrongInputIsNamedByItsLine) {
  const BpeTokenizer tokenizer = train({"plain.txt"});
  const auto error = [&](Work work, const std::string& input) {
    return error_of([&] { run(work, tokenizer, input); });
  };
  expect_words(error(kEncodeLines, "\"a\"\n[1]\n"), {"standard input, line 2", "a string"});
  EXPECT_EQ(out_.find('['), 0U) << "what was done before stays: " << out_;
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 1);
  expect_words(error(kDecodeLines, "[65]\n[65, 999]\n"), {"standard input, line 2", "999"});
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += i == 77'777 ? "\"b\xFF\"\n" : "\"aaaa\"\n";
  expect_words(error(kEncodeLines, many), {"standard input, line 77778, column 3", "0xFF"});
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 77'777);
  expect_words(error(decode_text, "65 999"), {"standard input: ", "999"});
  expect_words(error(decode_text, "65 b"), {"standard input, line 1, column 4", "integer"});
}

TEST_F(BpeTools, NothingIsLearntFromWhatCannotBeRead) {
  expect_words(error_of([&] { train({"plain.txt", "none.txt"}); }), {"none.txt"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "vocab"));
  write_file(folder_ / "vocab", "a file stands here");
  EXPECT_THROW(train({"plain.txt"}), ConfigError);
}

}  // namespace
}  // namespace precis
