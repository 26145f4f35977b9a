// Malformed vocabularies: each is refused with a message that names the file and the place.
#include "lib/text/vocabulary.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/text/byte_alphabet.h"
#include "lib/text/json_text.h"
#include "tests/text/golden.h"

namespace precis {
namespace {

/// A vocabulary of the bytes, <|endoftext|> and further entries, each as `"token": id`.
std::string vocab_with(const std::string& more) {
  std::string json = "{";
  int id = 0;
  for (const char byte : bytes_in_symbol_order()) {
    append_json_string(json, spell(std::string_view(&byte, 1)));
    json += fmt::format(": {}, ", id++);
  }
  return json + fmt::format("\"{}\": {}{}}}", kEndOfText, id, more);
}

std::string vocab_error(const std::string& json) {
  return data_error_of([&] { Vocabulary::parse(json, "v.json"); });
}

std::string merges_error(const std::string& merges) {
  const Vocabulary vocabulary =
      Vocabulary::parse(vocab_with(R"(, "ab": 257, "abc": 258)"), "v.json");
  return data_error_of([&] { parse_merges(merges, "m.txt", vocabulary); });
}

void expect_words(const std::string& message, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    EXPECT_NE(message.find(word), std::string::npos) << word << " in: " << message;
}

TEST(Vocabulary, KnowsTokensByBytesAndById) {
  const Vocabulary vocabulary = Vocabulary::parse(vocab_with(R"(, "\u0120ab": 300)"), "v.json");
  EXPECT_EQ(vocabulary.size(), 301);
  EXPECT_EQ(vocabulary.find(" ab"), 300);
  EXPECT_EQ(vocabulary.bytes_of(300), " ab");
  EXPECT_EQ(vocabulary.bytes_of(299), "");
  EXPECT_EQ(vocabulary.find(kEndOfText), 256);
  EXPECT_EQ(vocabulary.find("xyz"), std::nullopt);
  EXPECT_EQ(vocabulary.find("!"), 0);
}

TEST(Vocabulary, TokensOutsideTheAlphabetAreTheirText) {
  const Vocabulary vocabulary = Vocabulary::parse(vocab_with(R"(, "<pad> 日": 257)"), "v.json");
  EXPECT_EQ(vocabulary.bytes_of(257), "<pad> 日");
  EXPECT_EQ(vocabulary.find("<pad> 日"), std::nullopt);  // no merge makes it
}

TEST(Vocabulary, RefusesWhatIsNoObjectOfIds) {
  expect_words(vocab_error(""), {"v.json", "line 1", "'{'"});
  expect_words(vocab_error("[1]"), {"v.json", "'{'", "'[1]'"});
  expect_words(vocab_error(vocab_with("").substr(0, 500)), {"v.json", "line 1, column"});
  expect_words(vocab_error(vocab_with(R"(, "ab": "x")")), {"v.json", "integer"});
  expect_words(vocab_error(vocab_with(R"(, "ab": 257.5)")), {"v.json", "integer"});
  expect_words(vocab_error(vocab_with(R"(, "ab": {"x": 1})")), {"v.json", "integer"});
  expect_words(vocab_error(vocab_with(R"(, "": 257)")), {"v.json", "empty"});
  expect_words(vocab_error(vocab_with("") + "x"), {"v.json", "nothing more"});
  expect_words(vocab_error("{}"), {"v.json", "byte 0x00"});
}

TEST(Vocabulary, RefusesWrongIds) {
  expect_words(vocab_error(vocab_with(R"(, "ab": -1)")), {"v.json", "\"ab\"", "-1"});
  expect_words(vocab_error(vocab_with(R"(, "ab": 7)")), {"v.json", "\"ab\"", "7", "twice"});
  expect_words(vocab_error(vocab_with(R"(, "ab": 2000000000)")),
               {"v.json", "\"ab\"", "2000000000"});
  expect_words(vocab_error(vocab_with(R"(, "ab": 66000)")), {"v.json", "66000", "258"});
  EXPECT_EQ(vocab_error(vocab_with(R"(, "ab": 50256)")), "");
}

TEST(Vocabulary, RefusesTokensUsedTwice) {
  expect_words(vocab_error(vocab_with(R"(, "ab": 257, "ab": 258)")),
               {"v.json", "\"ab\"", "257", "258"});
}

TEST(Vocabulary, RefusesVocabulariesOfOtherKinds) {
  std::string no_end = vocab_with("");
  no_end.replace(no_end.find("<|end"), 13, "<|other|>");
  expect_words(vocab_error(no_end), {"v.json", "<|endoftext|>"});
  expect_words(vocab_error(R"({"hello": 0, "<|endoftext|>": 1})"), {"v.json", "byte"});
}

TEST(Merges, RefusesLinesThatAreNoTwoSymbols) {
  EXPECT_EQ(merges_error("#version: 0.2\na b\nab c\n"), "");
  EXPECT_EQ(merges_error("a b\r\nab c"), "");
  expect_words(merges_error("#version: 0.2\na b\nabc\n"),
               {"m.txt", "line 3", "\"abc\"", "two symbols"});
  expect_words(merges_error("a b c\n"), {"m.txt", "line 1", "\"a b c\""});
  expect_words(merges_error("a \n"), {"m.txt", "line 1"});
  expect_words(merges_error(" a\n"), {"m.txt", "line 1"});
}

TEST(Merges, RefusesThoseOfAnotherModel) {
  expect_words(merges_error("#version: 0.2\nqq qqq\n"),
               {"m.txt", "line 2", "\"qq\"", "different models"});
  expect_words(merges_error("a qqq\n"), {"m.txt", "line 1", "\"qqq\""});
  expect_words(merges_error("b c\n"), {"m.txt", "line 1", "\"bc\""});
  expect_words(merges_error("a b\nab c\na b\n"), {"m.txt", "line 3", "earlier"});
}

}  // namespace
}  // namespace precis
