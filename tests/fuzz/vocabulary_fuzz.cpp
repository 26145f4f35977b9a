// Fuzz target: any bytes as a vocabulary (the first line as vocab.json, the rest as merges.txt), as
// the merges.txt of a good vocab.json, as its added tokens, as tokenizer.json, as choices of
// merges, and as a text. A vocabulary is refused with a DataError fit for people or encodes; what
// is encoded is decoded to the same bytes, unless added tokens took white space along.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"
#include "lib/text/bpe_tokenizer.h"
#include "lib/text/bpe_trainer.h"
#include "lib/text/byte_alphabet.h"
#include "lib/text/json_text.h"
#include "lib/text/tokenizer_json.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

constexpr const char* kText =
    "I don't know 42 \xE6\x97\xA5\xE6\x9C\xAC <|endoftext|>\n\n  #Person1#: \xFF aaa";

void check_message(const std::string& message, const std::string& input) {
  fuzz_require(message.find("x") == 0 && is_utf8(message),
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

void check_tokens(const BpeTokenizer& tokenizer) {
  std::set<std::string> tokens;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    try {
      fuzz_require(tokens.insert(tokenizer.decode(std::array{id})).second, "two ids of one token");
    } catch (const DataError&) {  // a gap in the ids
    }
  }
}

void check_files(std::string_view vocab, std::string_view merges, const std::string& input) {
  try {
    const BpeTokenizer tokenizer =
        BpeTokenizer::parse({std::string(vocab), std::string(merges), ""}, "x");
    check_tokens(tokenizer);
    check_round_trip(tokenizer, kText);
    check_round_trip(tokenizer, input);
  } catch (const DataError& error) {
    check_message(error.what(), input);
  }
}

/// With added tokens: what is encoded are tokens, and the texts of the vocabulary give it again.
void check_added(const std::function<BpeTokenizer()>& read, const std::string& input) {
  try {
    const BpeTokenizer tokenizer = read();
    for (const std::string& text : {std::string(kText), input})
      for (const int32_t id : tokenizer.encode(text))
        fuzz_require(!tokenizer.decode(std::array{id}).empty(), "an id without a token");
    tokenizer.decode_text(std::array{-1, 0, tokenizer.vocab_size()});
    const BpeTokenizer again = BpeTokenizer::parse(tokenizer.texts(), "x");
    fuzz_require(again.texts() == tokenizer.texts(), "a vocabulary that is another one when saved");
    fuzz_require(again.encode(input) == tokenizer.encode(input), "other ids when saved");
  } catch (const DataError& error) {
    check_message(error.what(), input);
  }
}

void check_tokenizer_json(const std::string& bytes) {
  check_added([&] { return BpeTokenizer(parse_tokenizer_json(bytes, "x")); }, bytes);
}

/// The vocabulary that the bytes name: every two of them choose two tokens to merge.
void check_made_vocabulary(const std::string& bytes) {
  constexpr size_t kMaxMerges = 16;
  constexpr size_t kMaxLength = 64;  // lengths may double with each merge
  std::vector<std::string> tokens;
  for (const char byte : bytes_in_symbol_order()) tokens.emplace_back(1, byte);
  std::string merges = "#version: 0.2\n";
  for (size_t i = 0; i + 1 < std::min(bytes.size(), 2 * kMaxMerges); i += 2) {
    const std::string& first = tokens[tokens.size() - 1 - static_cast<unsigned char>(bytes[i])];
    const std::string& second =
        tokens[tokens.size() - 1 - static_cast<unsigned char>(bytes[i + 1])];
    const std::string merged = first + second;
    if (merged.size() > kMaxLength ||
        std::find(tokens.begin() + kNumBytes, tokens.end(), merged) != tokens.end())
      continue;
    merges += fmt::format("{} {}\n", spell(first), spell(second));
    tokens.push_back(merged);
  }
  std::string vocab = "{";
  for (size_t id = 0; id < tokens.size(); ++id) {
    append_json_string(vocab, spell(tokens[id]));
    vocab += fmt::format(":{},", id);
  }
  vocab += fmt::format("\"{}\":{}}}", kEndOfText, tokens.size());
  const BpeTokenizer tokenizer = BpeTokenizer::parse({vocab, merges, ""}, "x");
  check_round_trip(tokenizer, bytes);
  std::string pieces;  // what the merges make, in another order
  for (size_t id = tokens.size(); id > kNumBytes; --id) pieces += tokens[id - 1];
  check_round_trip(tokenizer, pieces);
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
    std::string vocab = good_tokenizer().texts().vocab_json;
    std::erase(vocab, '\n');
    std::vector<std::string> made = texts();
    made.push_back(vocab + "\n" + good_tokenizer().texts().merges_txt);
    made.push_back(good_tokenizer().texts().merges_txt);
    made.push_back(good_tokenizer().tokenizer_json());
    made.push_back(R"([{"id": 271, "content": " <pad>\u0301", "lstrip": true, "special": true},
      {"id": 280, "content": "#P", "rstrip": true, "normalized": true}, {"content": "42",
      "single_word": true, "id": 290}, {"content": "<|endoftext|>", "id": 269}])");
    made.push_back("{\"<|endoftext|>\": 0, \"\\u0120\": 1}\n#version: 0.2\n\xC4\xA0 a\n");
    return made;
  }();
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const size_t line_end = std::min(bytes.find('\n'), bytes.size());
  const std::string rest = bytes.substr(std::min(line_end + 1, bytes.size()));
  precis::check_files(std::string_view(bytes).substr(0, line_end), rest, bytes);
  precis::check_files(precis::good_tokenizer().texts().vocab_json, bytes, bytes);
  precis::check_tokenizer_json(bytes);
  const precis::VocabularyTexts good = precis::good_tokenizer().texts();
  precis::check_added(
      [&] {
        return precis::BpeTokenizer::parse({good.vocab_json, good.merges_txt, bytes}, "x");
      },
      bytes);
  if (size % 4 == 0) precis::check_made_vocabulary(bytes);  // as it takes longest by far
  precis::check_round_trip(precis::good_tokenizer(), bytes);
  return 0;
}
