// Fuzz target: any bytes as a vocabulary, the first line as vocab.json and the rest as merges.txt,
// and as a text for a good vocabulary. A vocabulary is refused with a DataError fit for people or
// encodes; what is encoded is decoded to the same bytes.
#include <algorithm>

#include "lib/base/errors.h"
#include "lib/base/words.h"
#include "lib/text/bpe_tokenizer.h"
#include "lib/text/bpe_trainer.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

constexpr const char* kText =
    "I don't know 42 \xE6\x97\xA5\xE6\x9C\xAC <|endoftext|>\n\n  #Person1#: \xFF aaa";

void check_message(const std::string& message, const std::string& input) {
  fuzz_require(message.find("x") == 0 && find_invalid_utf8(message) == std::string::npos,
               "a message that names no file or is no text");
  for (const char* name : {"nlohmann", "json.exception", "basic_string"})
    fuzz_require(message.find(name) == std::string::npos || input.find(name) != std::string::npos,
                 "a message that names a library");
  fuzz_require(message.size() < 20'000, "a message without end");
}

void check_round_trip(const BpeTokenizer& tokenizer, const std::string& text) {
  const std::vector<int32_t> ids = tokenizer.encode(text);
  fuzz_require(ids.size() <= text.size(), "more tokens than bytes");
  for (const int32_t id : ids)
    fuzz_require(id >= 0 && id < tokenizer.vocab_size(), "an id outside the vocabulary");
  fuzz_require(tokenizer.decode(ids) == text, "a text that is not decoded to itself");
}

void check_vocabulary(const std::string& bytes) {
  const size_t line_end = std::min(bytes.find('\n'), bytes.size());
  const std::string merges = bytes.substr(std::min(line_end + 1, bytes.size()));
  try {
    const BpeTokenizer tokenizer =
        BpeTokenizer::parse(std::string_view(bytes).substr(0, line_end), merges, "x");
    check_round_trip(tokenizer, kText);
    check_round_trip(tokenizer, bytes);
  } catch (const DataError& error) {
    check_message(error.what(), bytes);
  }
}

const std::vector<std::string>& texts() {
  static const std::vector<std::string> texts = {
      "#Person1#: I don't know, don't you know? aaaaaaaa 42 42 \xC3\xA9\xC3\xA9\n\n  ok",
      "\t \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xF0\x9F\x99\x82\xF0\x9F\x99\x82 I'll've "
      "<|endoftext|> ... !? \xC2\xA0\xE3\x80\x80"};
  return texts;
}

const BpeTokenizer& good_tokenizer() {
  static const BpeTokenizer tokenizer = train_bpe(texts(), 270);
  return tokenizer;
}

}  // namespace

const std::vector<std::string>& fuzz_seeds() {
  static const std::vector<std::string> seeds = [] {
    std::string vocab = good_tokenizer().vocab_json();
    std::erase(vocab, '\n');
    std::vector<std::string> made = texts();
    made.push_back(vocab + "\n" + good_tokenizer().merges_txt());
    made.push_back("{\"<|endoftext|>\": 0, \"\\u0120\": 1}\n#version: 0.2\n\xC4\xA0 a\n");
    return made;
  }();
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  precis::check_vocabulary(bytes);
  precis::check_round_trip(precis::good_tokenizer(), bytes);
  return 0;
}
