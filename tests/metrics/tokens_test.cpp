// The tokenizer: what it keeps, where it splits, and that ids stand for tokens.
#include "lib/metrics/tokens.h"

#include <gtest/gtest.h>

namespace precis {
namespace {

using Ids = std::vector<uint32_t>;

/// Whether both texts have the same tokens.
bool same(const char* a, const char* b, bool use_stemmer = false) {
  TokenTable table(use_stemmer);
  return table.tokenize(a).tokens == table.tokenize(b).tokens;
}

TEST(TokenTable, KeepsLettersAndDigitsInLowerCase) {
  EXPECT_TRUE(same("Don't_stop, NOW: x1!", "don t stop now x1"));
  EXPECT_TRUE(same("caf\u00E9 na\u00EFve \uFF11\uFF12 \u65E5", "caf na ve"));
  EXPECT_FALSE(same("x1", "x 1"));
}

TEST(TokenTable, LowerCasesAsPythonBeforeItSplits) {
  EXPECT_TRUE(same("\u212Aing", "king"));  // Kelvin sign
  EXPECT_TRUE(same("a\u0130b", "ai b"));   // I with dot: i and a combining dot
  EXPECT_TRUE(
      same("\u0131\u017F\uFB01", ""));  // dotless i, long s, fi: none turns into a letter of ASCII
  EXPECT_TRUE(same("a\xE2\x84", "a"));  // a cut Kelvin sign
}

TEST(TokenTable, StemsFromFourCharactersOn) {
  EXPECT_TRUE(same("runs cats", "run cat", true));
  EXPECT_FALSE(same("runs", "run", false));
  EXPECT_FALSE(same("ups", "up", true));
}

TEST(TokenTable, SentencesAreLinesWithTokens) {
  TokenTable table(false);
  const TokenizedText text = table.tokenize("a b\n\n--\r\nc\rd\n");
  EXPECT_EQ(text.tokens, (Ids{0, 1, 2, 3}));
  EXPECT_EQ(text.sentence_ends, (std::vector<size_t>{2, 4}));
  EXPECT_TRUE(table.tokenize("\n \n").sentence_ends.empty());
}

TEST(TokenTable, IdsStayWhileTheTableGrows) {
  constexpr uint32_t kTokens = 5000;
  TokenTable table(false);
  std::string text;
  Ids ids;
  for (uint32_t i = 0; i < kTokens; ++i) {
    text += "token" + std::to_string(i) + ' ';
    ids.push_back(i);
  }
  EXPECT_EQ(table.tokenize(text).tokens, ids);
  EXPECT_EQ(table.tokenize(text).tokens, ids);
  EXPECT_EQ(table.size(), kTokens);
}

}  // namespace
}  // namespace precis
