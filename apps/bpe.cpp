// bpe: train a byte-level BPE vocabulary, encode text to ids, decode ids to text.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/text/bpe_tokenizer.h"
#include "lib/text/bpe_trainer.h"
#include "lib/text/json_text.h"

namespace {

using namespace precis;
namespace po = boost::program_options;

constexpr std::string_view kInput = "standard input";

constexpr std::string_view kUsage =
    "usage: bpe train --input FILE... --output DIR --vocab-size N\n"
    "       bpe encode --vocab DIR [--jsonl] < TEXT > IDS\n"
    "       bpe decode --vocab DIR [--jsonl] < IDS > TEXT\n"
    "\n"
    "train reads plain text, or every column but `id` of a .csv file, and writes vocab.json and merges.txt.\n"
    "encode takes standard input as one text and prints its ids with blanks between; decode does the reverse.\n"
    "With --jsonl, encode reads one JSON string a line and prints one JSON array of ids a line; decode the reverse.\n";

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
    if (buffer_.size() < filled_ + kBlock) buffer_.resize(std::max(filled_ + kBlock, buffer_.size() * 2));
    ssize_t got = -1;
    do {
      got = ::read(STDIN_FILENO, buffer_.data() + filled_, kBlock);
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw DataError(fmt::format("{} cannot be read: {}", kInput, std::strerror(errno)));
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
      if (done < 0) throw Error(ExitCode::kOther, fmt::format("standard output cannot be written: {}", std::strerror(errno)));
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

struct TrainOptions {
  std::vector<std::string> inputs;
  std::string output;
  int32_t vocab_size = 0;
};

void train(const TrainOptions& options) {
  std::vector<std::string> texts;
  for (const std::string& input : options.inputs) texts.push_back(read_file(input));
  const BpeTokenizer tokenizer = train_bpe(texts, options.vocab_size);
  tokenizer.save(options.output);
  fmt::print("{}: {} tokens from {} texts\n", std::filesystem::absolute(options.output).string(), tokenizer.vocab_size(),
             texts.size());
}

[[noreturn]] void fail_usage(const std::string& what) { throw ConfigError(fmt::format("{}; see bpe --help", what)); }

po::variables_map parse(const std::vector<std::string>& arguments, const po::options_description& options) {
  po::variables_map values;
  try {
    po::store(po::command_line_parser(arguments).options(options).positional({}).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    fail_usage(error.what());
  }
  return values;
}

void run_train(const std::vector<std::string>& arguments) {
  TrainOptions train_options;
  po::options_description options("bpe train");
  options.add_options()("input", po::value(&train_options.inputs)->multitoken()->required(), "files")(
      "output", po::value(&train_options.output)->required(), "folder")(
      "vocab-size", po::value(&train_options.vocab_size)->required(), "number of tokens");
  parse(arguments, options);
  train(train_options);
}

void run_coding(const std::string& command, const std::vector<std::string>& arguments) {
  std::string folder;
  po::options_description options("bpe " + command);
  options.add_options()("vocab", po::value(&folder)->required(), "folder")("jsonl", po::bool_switch(), "one a line");
  const bool by_line = parse(arguments, options)["jsonl"].as<bool>();
  const BpeTokenizer tokenizer = BpeTokenizer::load(folder);
  if (command == "encode") {
    by_line ? encode_lines(tokenizer) : encode_all(tokenizer);
  } else {
    by_line ? decode_lines(tokenizer) : decode_all(tokenizer);
  }
}

void run(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") return fmt::print("{}", kUsage);
    if (argument == "--version") return fmt::print("precis {}\n", version_number());
  }
  if (arguments.empty()) fail_usage("expected a command: train, encode or decode");
  const std::string& command = arguments.front();
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (command == "train") return run_train(rest);
  if (command == "encode" || command == "decode") return run_coding(command, rest);
  fail_usage(fmt::format("expected the command train, encode or decode, got '{}'", command));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + argc});
    return static_cast<int>(ExitCode::kDone);
  } catch (const Error& error) {
    fmt::print(stderr, "bpe: {}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "bpe: out of memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "bpe: unexpected error: {}\n", error.what());
  }
  return static_cast<int>(ExitCode::kOther);
}
