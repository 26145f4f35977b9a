// bpe: train a byte-level BPE vocabulary, encode text to ids, decode ids to text.
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/cores.h"
#include "lib/base/errors.h"
#include "lib/config/command_line.h"
#include "lib/config/main.h"
#include "lib/text/bpe_trainer.h"
#include "lib/tools/bpe_decode.h"
#include "lib/tools/bpe_encode.h"
#include "lib/tools/bpe_train.h"

namespace {

using namespace precis;

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
  const BpeTokenizer tokenizer = train_vocabulary(line.values("input"), output, size);
  fmt::print("{}: {} tokens\n", std::filesystem::absolute(output).string(), tokenizer.vocab_size());
  if (tokenizer.vocab_size() < size)
    fmt::print(stderr,
               "warning: the texts have no more pairs that occur twice: {} tokens instead of {}\n",
               tokenizer.vocab_size(), size);
}

void code(const CommandLine& line, const std::string& command) {
  refuse(line, command, {"input", "output", "vocab-size"});
  const BpeTokenizer tokenizer = BpeTokenizer::load(required(line, "vocab"));
  InputStream input;
  OutputStream output;
  const bool encodes = command == "encode";
  if (line.has("jsonl"))
    (encodes ? encode_json_lines : decode_json_lines)(tokenizer, input, output, cores_of(0));
  else
    (encodes ? encode_text : decode_text)(tokenizer, input, output);
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
  return run_main("bpe", argc, argv, run);
}
