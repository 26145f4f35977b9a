#include "lib/text/bpe_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/text/golden.h"

namespace precis {
namespace {

std::vector<std::string> corpus() {
  std::vector<std::string> texts;
  for (const nlohmann::json& line : golden_lines("text_corpus.jsonl")) texts.push_back(line);
  return texts;
}

TEST(BpeTrainer, LearnsWhatHuggingFacesTrainerLearns) {
  const BpeTokenizer trained = train_bpe(corpus(), 800);
  EXPECT_EQ(trained.texts().merges_txt, read_file("tests/golden/text_vocab/merges.txt"));
  EXPECT_EQ(nlohmann::json::parse(trained.texts().vocab_json),
            nlohmann::json::parse(golden_tokenizer().texts().vocab_json));
  EXPECT_LT(trained.vocab_size(), 800);  // no other pair occurs twice
}

TEST(BpeTrainer, SmallerVocabularyIsABeginningOfTheLarger) {
  const BpeTokenizer small = train_bpe(corpus(), 300);
  EXPECT_EQ(small.vocab_size(), 300);
  EXPECT_EQ(small.end_of_text(), 299);
  EXPECT_TRUE(golden_tokenizer().texts().merges_txt.starts_with(small.texts().merges_txt));
}

TEST(BpeTrainer, DependsOnNeitherOrderNorBordersOfTheTexts) {
  std::vector<std::string> texts = corpus();
  std::reverse(texts.begin(), texts.end());
  EXPECT_EQ(train_bpe(texts, 500).texts().merges_txt, train_bpe(corpus(), 500).texts().merges_txt);
}

TEST(BpeTrainer, MergesFrequentPairsFirstAndOnesThatOccurTwice) {
  // Pieces "xyz", " xyz", " xy", "qr": (x, y) occurs three times, then (blank, xy) and (xy, z)
  // twice; the blank has the smaller id. After it nothing occurs twice.
  const std::vector<std::string> texts = {"xyz xyz xy", "qr"};
  EXPECT_EQ(train_bpe(texts, 1000).texts().merges_txt, "#version: 0.2\nx y\nĠ xy\n");
}

TEST(BpeTrainer, SmallestVocabularyIsTheBytes) {
  const BpeTokenizer bytes = train_bpe(corpus(), kMinVocabSize);
  EXPECT_EQ(bytes.texts().merges_txt, "#version: 0.2\n");
  EXPECT_EQ(bytes.encode("!a"), (std::vector<int32_t>{0, 64}));  // as GPT-2 numbers them
  EXPECT_EQ(bytes.end_of_text(), 256);
  EXPECT_EQ(train_bpe({}, 1000).vocab_size(), kMinVocabSize);
  EXPECT_THROW(train_bpe({}, kMinVocabSize - 1), ConfigError);
}

TEST(BpeTrainer, EachTokenIsMadeInOneWay) {
  std::vector<std::string> texts;  // long runs of two letters: the hardest for this
  for (int n = 1; n < 400; ++n) {
    std::string run;
    for (int i = 0; i < n % 23; ++i) run += (n >> (i % 9)) % 2 ? "a" : "ab";
    texts.push_back(run);
  }
  const BpeTokenizer tokenizer = train_bpe(texts, 600);
  const nlohmann::json vocab = nlohmann::json::parse(tokenizer.texts().vocab_json);
  const auto num_merges =
      std::count(tokenizer.texts().merges_txt.begin(), tokenizer.texts().merges_txt.end(), '\n') -
      1;
  EXPECT_GT(num_merges, 100);
  EXPECT_EQ(static_cast<size_t>(num_merges) + 257, vocab.size());
  for (const std::string& text : texts) EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
}

}  // namespace
}  // namespace precis
