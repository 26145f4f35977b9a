// bpe: train a byte-level BPE vocabulary, encode text to ids, decode ids to text.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/output_target.h"
#include "lib/base/utf8.h"
#include "lib/config/command_line.h"
#include "lib/config/main.h"
#include "lib/formats/csv.h"
#include "lib/text/bpe_tokenizer.h"
#include "lib/text/bpe_trainer.h"
#include "lib/text/json_text.h"

namespace {

using namespace precis;

constexpr std::string_view kInput = "standard input";

/// Standard input by lines, read in large blocks.
class LineReader {
 public:
  /// The next line without its end; false at the end of the input. Valid until the next call.
  bool next(std::string_view& line) {
    for (size_t searched = begin_;;) {
      const void* found = std::memchr(buffer_.data() + searched, '\n', filled_ - searched);
      if (found != nullptr) {
        const auto end = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
        line = {buffer_.data() + begin_, end - begin_};
        begin_ = end + 1;
        return true;
      }
      searched = filled_ - begin_;
      if (!read_more()) break;
    }
    line = {buffer_.data() + begin_, filled_ - begin_};
    begin_ = filled_;
    return !line.empty();
  }

  /// Everything up to the end of the input. Valid as long as this.
  std::string_view all() {
    while (read_more()) {
    }
    return {buffer_.data() + begin_, filled_ - begin_};
  }

 private:
  /// Reads a block after what is not taken yet, which moves to the front of the buffer.
  bool read_more() {
    constexpr size_t kBlock = size_t{1} << 20;
    std::memmove(buffer_.data(), buffer_.data() + begin_, filled_ - begin_);
    filled_ -= std::exchange(begin_, 0);
    if (buffer_.size() < filled_ + kBlock)
      buffer_.resize(std::max(filled_ + kBlock, buffer_.size() * 2));
    ssize_t got = -1;
    do {
      got = ::read(STDIN_FILENO, buffer_.data() + filled_, kBlock);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
      throw DataError(fmt::format("{} cannot be read: {}", kInput, std::strerror(errno)));
    filled_ += static_cast<size_t>(got);
    return got > 0;
  }

  std::string buffer_;
  size_t begin_ = 0;
  size_t filled_ = 0;
};

/// Standard output in large blocks.
class Output {
 public:
  std::string& buffer() { return buffer_; }
  void flush_if_large() {
    if (buffer_.size() > (size_t{1} << 20)) flush();
  }
  void flush() {
    for (std::string_view rest = buffer_; !rest.empty();) {
      const ssize_t done = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0)
        throw Error(ExitCode::kOther,
                    fmt::format("standard output cannot be written: {}", std::strerror(errno)));
      rest.remove_prefix(static_cast<size_t>(done));
    }
    buffer_.clear();
  }

 private:
  std::string buffer_;
};

void append_ids(std::string& out, const std::vector<int32_t>& ids, std::string_view separator) {
  constexpr size_t kMaxDigits = 10;
  const size_t before = out.size();
  out.resize(before + ids.size() * (kMaxDigits + separator.size()));
  char* at = out.data() + before;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) at = std::copy(separator.begin(), separator.end(), at);
    at = std::to_chars(at, at + kMaxDigits, ids[i]).ptr;
  }
  out.resize(static_cast<size_t>(at - out.data()));
}

/// Calls handle(line, number) for each line of the input. What was printed before an error stays.
template <typename Handle>
void for_each_line(Output& output, const Handle& handle) {
  LineReader input;
  std::string_view line;
  try {
    for (int64_t number = 1; input.next(line); ++number) {
      if (number == 1 && line.starts_with(kByteOrderMark))
        line.remove_prefix(kByteOrderMark.size());
      handle(line, number);
      output.flush_if_large();
    }
  } catch (const DataError&) {
    output.flush();
    throw;
  }
  output.flush();
}

void encode_lines(const BpeTokenizer& tokenizer) {
  Output output;
  std::string text;
  std::vector<int32_t> ids;
  for_each_line(output, [&](std::string_view line, int64_t number) {
    JsonReader reader(line, kInput, number);
    reader.read_string(text);
    reader.expect_end();
    ids.clear();
    tokenizer.encode_to(text, ids);
    output.buffer().push_back('[');
    append_ids(output.buffer(), ids, ", ");
    output.buffer().append("]\n");
  });
}

void encode_all(const BpeTokenizer& tokenizer) {
  LineReader input;
  Output output;
  append_ids(output.buffer(), tokenizer.encode(input.all()), " ");
  output.buffer().push_back('\n');
  output.flush();
}

void decode_lines(const BpeTokenizer& tokenizer) {
  Output output;
  std::string text;
  std::vector<int32_t> ids;
  for_each_line(output, [&](std::string_view line, int64_t number) {
    JsonReader reader(line, kInput, number);
    ids.clear();
    reader.expect('[');
    if (!reader.take(']')) {
      do ids.push_back(reader.read_integer());
      while (reader.take(','));
      reader.expect(']');
    }
    reader.expect_end();
    try {
      text = tokenizer.decode(ids);
    } catch (const DataError& error) {
      throw DataError(fmt::format("{}, line {}: {}", kInput, number, error.what()));
    }
    append_json_string(output.buffer(), text);
    output.buffer().push_back('\n');
  });
}

void decode_all(const BpeTokenizer& tokenizer) {
  LineReader input;
  Output output;
  std::vector<int32_t> ids;
  JsonReader reader(input.all(), kInput);
  while (!reader.at_end()) ids.push_back(reader.read_integer());
  try {
    output.buffer() = tokenizer.decode(ids);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{}: {}", kInput, error.what()));
  }
  output.flush();
}

/// Appends the texts of a file: a CSV file's cells but those of its column `id`, else the whole of
/// it.
void read_texts(const std::filesystem::path& path, std::vector<std::string>& texts) {
  if (path.extension() != ".csv") {
    texts.push_back(read_file(path));
    return;
  }
  CsvTable table = read_csv(path);
  for (std::vector<std::string>& row : table.rows)
    for (size_t column = 0; column < row.size(); ++column)
      if (table.header[column] != "id") texts.push_back(std::move(row[column]));
}

ProgramDescription describe() {
  return {
      .name = "bpe",
      .usage = "train|encode|decode [options]",
      .summary =
          "Trains a byte-level BPE vocabulary on CSV files (every column but id) or plain text; "
          "encodes "
          "standard input to token ids, or decodes ids to text.",
      .options =
          {{"input", true, "train: the files to learn from (.csv or plain text)", true, "FILE"},
           {"output", true, "train: the folder for vocab.json and merges.txt", false, "DIR"},
           {"vocab-size", true, "train: tokens of the vocabulary, 257 or more", false, "N"},
           {"vocab", true,
            "encode, decode: the folder of vocab.json and merges.txt, or of tokenizer.json", false,
            "DIR"},
           {"jsonl", false,
            "encode: a JSON string a line in, a JSON array of ids a line out; decode: the reverse. "
            "Without it, standard input is one text, and its ids stand in a line with blanks "
            "between"}},
      .max_positionals = 1};
}

std::string required(const CommandLine& line, const std::string& option) {
  const std::optional<std::string> value = line.value(option);
  if (!value) throw ConfigError(fmt::format("--{} is missing; see bpe --help", option));
  return *value;
}

/// Options that the command does not take are errors, not ignored.
void refuse(const CommandLine& line, const std::string& command,
            const std::vector<std::string>& options) {
  for (const std::string& option : options)
    if (line.has(option))
      throw ConfigError(fmt::format("bpe {} takes no --{}; see bpe --help", command, option));
}

int32_t parse_vocab_size(const std::string& text) {
  int32_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size < kMinVocabSize)
    throw ConfigError(fmt::format("--vocab-size: expected an integer of at least {}, got '{}'",
                                  kMinVocabSize, text));
  return size;
}

void train(const CommandLine& line) {
  refuse(line, "train", {"vocab", "jsonl"});
  required(line, "input");
  const std::filesystem::path output = required(line, "output");
  const int32_t size = parse_vocab_size(required(line, "vocab-size"));
  check_output_folder(output, "--output");
  std::vector<std::string> texts;
  for (const std::string& input : line.values("input")) read_texts(input, texts);
  const BpeTokenizer tokenizer = train_bpe(texts, size);
  tokenizer.save(output);
  fmt::print("{}: {} tokens\n", std::filesystem::absolute(output).string(), tokenizer.vocab_size());
  if (tokenizer.vocab_size() < size)
    fmt::print(stderr,
               "warning: the texts have no more pairs that occur twice: {} tokens instead of {}\n",
               tokenizer.vocab_size(), size);
}

void code(const CommandLine& line, const std::string& command) {
  refuse(line, command, {"input", "output", "vocab-size"});
  const BpeTokenizer tokenizer = BpeTokenizer::load(required(line, "vocab"));
  const bool by_line = line.has("jsonl");
  if (command == "encode") {
    by_line ? encode_lines(tokenizer) : encode_all(tokenizer);
  } else {
    by_line ? decode_lines(tokenizer) : decode_all(tokenizer);
  }
}

int run(int argc, char** argv) {
  const ProgramDescription program = describe();
  if (print_information(program, {}, argc, argv)) return 0;
  const CommandLine line(program, {}, argc, argv);
  const std::string command = line.positionals().empty() ? "" : line.positionals().front();
  if (command == "train") {
    train(line);
  } else if (command == "encode" || command == "decode") {
    code(line, command);
  } else {
    throw ConfigError(fmt::format(
        "expected the command train, encode or decode, got '{}'; see bpe --help", command));
  }
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace

int main(int argc, char** argv) {
  return precis::run_main("bpe", argc, argv, run);
}
