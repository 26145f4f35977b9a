#include "lib/text/encode_all.h"

#include <gtest/gtest.h>

#include "tests/text/golden.h"

namespace precis {
namespace {

TEST(EncodeAll, GivesEachTextItsIdsWhateverTheThreads) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  std::vector<std::string> texts;
  std::vector<std::vector<int32_t>> expected;
  for (const nlohmann::json& line : golden_lines("text_encodings.jsonl")) {
    texts.push_back(line[0]);
    expected.push_back(line[1]);
  }
  ASSERT_GT(texts.size(), 500U);
  for (const int threads : {1, 2, 3, 8})
    EXPECT_EQ(encode_all(tokenizer, texts, threads), expected) << threads;
  texts.resize(1);
  expected.resize(1);
  EXPECT_EQ(encode_all(tokenizer, texts, 4), expected);
  EXPECT_TRUE(encode_all(tokenizer, {}, 2).empty());
}

TEST(EncodeAll, AnEncoderAppends) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  const BpeTokenizer::Encoder encoder = tokenizer.encoder();
  std::vector<int32_t> ids;
  for (const char* text : {"one", "", " two"}) encoder.encode_to(text, ids);
  EXPECT_EQ(ids, tokenizer.encode("one two"));
}

}  // namespace
}  // namespace precis
