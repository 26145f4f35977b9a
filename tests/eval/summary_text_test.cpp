// The texts that readers get of generated tokens.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/eval/summarizer.h"

namespace precis {
namespace {

TEST(SummaryText, LeavesOutWhatIsNoText) {
  const BpeTokenizer tokenizer = BpeTokenizer::load("tests/golden/text_added");
  const auto text_of = [&](const std::string& text) {
    return summary_text(tokenizer, tokenizer.encode(text));
  };
  EXPECT_EQ(text_of(" \n Zoë said\n ok \t"), "Zoë said\n ok");
  EXPECT_EQ(text_of("a<pad>b #Person1#"), "ab #Person1#");  // special, and added but not special
  EXPECT_EQ(text_of(std::string("a\0b", 3)), "a\uFFFDb");
  std::vector<int32_t> ids = tokenizer.encode("ok");
  ids.insert(ids.begin(), {tokenizer.vocab_size(), 2147483647, -5, tokenizer.end_of_text()});
  EXPECT_EQ(summary_text(tokenizer, ids), "ok");
  EXPECT_EQ(summary_text(tokenizer, {}), "");
}

TEST(SummaryText, CutCharactersAreReplacedAsTransformersDoes) {
  const BpeTokenizer tokenizer = BpeTokenizer::load("tests/golden/text_vocab");
  EXPECT_EQ(summary_text(tokenizer, tokenizer.encode("a\xF0\x9F\x99 b\xE2")), "a\uFFFD b\uFFFD");
}

}  // namespace
}  // namespace precis
