#include "lib/text/prompt.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "lib/base/utf8.h"
#include "tests/text/golden.h"

namespace precis {
namespace {

class SummaryPromptTest : public testing::Test {
 protected:
  /// Tokens of the prompt of a dialogue, encoded as one text.
  std::vector<int32_t> prompt_of(const std::string& dialogue) const {
    return tokenizer_.encode(config_.dialogue_start + dialogue + config_.summary_start);
  }
  int64_t length_of(const std::string& dialogue) const {
    return static_cast<int64_t>(prompt_of(dialogue).size());
  }

  void expect_prompt(const std::string& dialogue, int64_t max_tokens,
                     const std::string& kept) const {
    const std::optional<EncodedExample> example = prompt_.encode_prompt(dialogue, max_tokens);
    ASSERT_TRUE(example.has_value());
    EXPECT_EQ(example->tokens, prompt_of(kept)) << tokenizer_.decode(example->tokens);
    EXPECT_EQ(example->prompt_tokens, static_cast<int32_t>(example->tokens.size()));
    EXPECT_LE(example->prompt_tokens, max_tokens);
    EXPECT_EQ(example->cut, kept != dialogue);
  }

  BpeTokenizer tokenizer_ = golden_tokenizer();
  PromptConfig config_;
  SummaryPrompt prompt_{config_, tokenizer_};
};

const std::string kFirst = "#Person1#: Anna forgot the ticket, right?\n";
const std::string kSecond = "#Person2#: She always does.\n";
const std::string kThird = "#Person1#: We should've prepared some coffee!";

TEST_F(SummaryPromptTest, WholeDialogueWhereItFits) {
  const std::string dialogue = kFirst + kSecond + kThird;
  expect_prompt(dialogue, 1000, dialogue);
  expect_prompt(dialogue, length_of(dialogue), dialogue);
  expect_prompt("", 1000, "");
}

TEST_F(SummaryPromptTest, KeepsAsManyLastUtterancesAsFit) {
  const std::string dialogue = kFirst + kSecond + kThird;
  expect_prompt(dialogue, length_of(dialogue) - 1, kSecond + kThird);
  expect_prompt(dialogue, length_of(kSecond + kThird), kSecond + kThird);
  expect_prompt(dialogue, length_of(kSecond + kThird) - 1, kThird);
  expect_prompt(dialogue, length_of(kThird), kThird);
}

TEST_F(SummaryPromptTest, CutsTheLastUtteranceAtACharacter) {
  const std::string long_line = "日本語🙂é and more words, one after another";
  const std::string dialogue = kFirst + long_line;
  int64_t cuts = 0;
  for (int64_t max_tokens = length_of(""); max_tokens < length_of(long_line); ++max_tokens) {
    const std::optional<EncodedExample> example = prompt_.encode_prompt(dialogue, max_tokens);
    ASSERT_TRUE(example.has_value());
    EXPECT_TRUE(example->cut);
    EXPECT_LE(example->prompt_tokens, max_tokens);
    std::string text = tokenizer_.decode(example->tokens);
    ASSERT_TRUE(text.starts_with(config_.dialogue_start) && text.ends_with(config_.summary_start));
    text = text.substr(config_.dialogue_start.size(),
                       text.size() - config_.dialogue_start.size() - config_.summary_start.size());
    ASSERT_TRUE(long_line.ends_with(text));
    EXPECT_TRUE(text.empty() || decode_utf8(text.data(), text.data() + text.size()).valid) << text;
    EXPECT_EQ(example->tokens, prompt_of(text));
    cuts += !text.empty();
  }
  EXPECT_GT(cuts, 5);
}

TEST_F(SummaryPromptTest, BlankLinesAreNoUtterances) {
  const std::string dialogue = kFirst + "\n \t\n" + kThird + "\n\n";
  expect_prompt(dialogue, length_of(dialogue) - 1, kThird + "\n\n");
  const std::optional<EncodedExample> example =
      prompt_.encode_prompt(dialogue, length_of(kThird + "\n\n") - 1);
  ASSERT_TRUE(example.has_value());  // within the third utterance, not "\n\n" alone
  EXPECT_NE(tokenizer_.decode(example->tokens).find("coffee!"), std::string::npos);
}

TEST_F(SummaryPromptTest, NothingWhereNotEvenAnEmptyDialogueFits) {
  const int64_t least = length_of("");
  expect_prompt(kThird, least, "");
  EXPECT_EQ(prompt_.encode_prompt(kThird, least - 1), std::nullopt);
  EXPECT_EQ(prompt_.encode_prompt("", least - 1), std::nullopt);
  EXPECT_EQ(prompt_.encode_prompt(kThird, -5), std::nullopt);
}

TEST_F(SummaryPromptTest, TargetIsATextOfItsOwnWithItsEnd) {
  const std::optional<EncodedExample> example = prompt_.encode(kFirst, " Anna forgot.", 1000);
  ASSERT_TRUE(example.has_value());
  std::vector<int32_t> expected = prompt_of(kFirst);
  EXPECT_EQ(example->prompt_tokens, static_cast<int32_t>(expected.size()));
  const std::vector<int32_t> summary = tokenizer_.encode(" Anna forgot.");
  expected.insert(expected.end(), summary.begin(), summary.end());
  expected.push_back(tokenizer_.end_of_text());
  EXPECT_EQ(example->tokens, expected);
  EXPECT_FALSE(example->cut);
}

TEST_F(SummaryPromptTest, InputsFillTheBlockAtMost) {
  const std::string dialogue = kFirst + kSecond + kThird;
  const std::string summary = "Anna forgot the ticket.";
  const int64_t inputs =
      length_of(dialogue) + static_cast<int64_t>(tokenizer_.encode(summary).size());
  EXPECT_FALSE(prompt_.encode(dialogue, summary, inputs)->cut);
  const std::optional<EncodedExample> cut = prompt_.encode(dialogue, summary, inputs - 1);
  ASSERT_TRUE(cut.has_value());
  EXPECT_TRUE(cut->cut);
  EXPECT_EQ(cut->prompt_tokens, length_of(kSecond + kThird));
  EXPECT_TRUE(
      tokenizer_.decode(cut->tokens).ends_with("summary:Anna forgot the ticket.<|endoftext|>"));
  EXPECT_EQ(prompt_.encode(dialogue, dialogue + dialogue, inputs), std::nullopt);
}

TEST_F(SummaryPromptTest, CutsAreLongestAmongAllUtteranceStarts) {
  RandomStream random(5);
  int cuts = 0;
  for (int round = 0; round < 150; ++round) {
    std::vector<std::string> lines(1 + random.below(12));
    for (std::string& line : lines)
      for (uint64_t n = random.below(12); n > 0; --n)
        line += (const char*[]){"a", " b", "  ", "!", "日", "'s"}[random.below(6)];
    const std::string dialogue = fmt::format("{}\nend", fmt::join(lines, "\n"));
    const int64_t max_tokens = length_of("end") + static_cast<int64_t>(random.below(60));
    std::string kept = dialogue;
    while (length_of(kept) > max_tokens ||
           (kept != dialogue && kept.find_first_not_of(' ') == kept.find('\n')))
      kept = kept.substr(kept.find('\n') + 1);
    cuts += kept != dialogue;
    expect_prompt(dialogue, max_tokens, kept);
  }
  EXPECT_GT(cuts, 30);
}

TEST_F(SummaryPromptTest, ItsTextsAreSettings) {
  PromptConfig config;
  config.dialogue_start = "A: ";
  config.summary_start = "\nTL;DR:";
  const SummaryPrompt other(config, tokenizer_);
  EXPECT_EQ(tokenizer_.decode(other.encode_prompt("hi", 100)->tokens), "A: hi\nTL;DR:");
  EXPECT_EQ(config.fields().size(), 2U);
}

}  // namespace
}  // namespace precis
