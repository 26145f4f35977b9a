#include "lib/text/bpe_tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <thread>

#include "lib/base/random.h"
#include "tests/text/golden.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for a test, gone afterwards.
class BpeTokenizerFiles : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(testing::TempDir()) /
           testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  fs::path dir_;
};

std::string random_bytes(RandomStream& random) {
  std::string text;
  const uint64_t alphabet = random.below(3);  // letters and blanks, ASCII, all bytes
  for (uint64_t n = random.below(200); n > 0; --n) {
    const uint64_t b = random.below(256);
    text.push_back(alphabet == 0 ? "ab e'st\n"[b % 8]
                                 : static_cast<char>(alphabet == 1 ? b % 128 : b));
  }
  return text;
}

TEST(BpeTokenizer, EncodesAsTiktokenDoes) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  size_t num_texts = 0;
  for (int pass = 0; pass < 2; ++pass) {  // again, with all pieces known
    for (const nlohmann::json& line : golden_lines("text_encodings.jsonl")) {
      const std::string text = line[0];
      ASSERT_EQ(tokenizer.encode(text), line[1].get<std::vector<int32_t>>()) << text;
      ++num_texts;
    }
  }
  EXPECT_GT(num_texts, 1000U);
}

TEST(BpeTokenizer, DecodesToTheSameBytes) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  RandomStream random(1);
  size_t num_bytes = 0;
  size_t num_ids = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_bytes(random);
    const std::vector<int32_t> ids = tokenizer.encode(text);
    ASSERT_EQ(tokenizer.decode(ids), text) << "round " << round;
    num_bytes += text.size();
    num_ids += ids.size();
  }
  EXPECT_LT(num_ids, num_bytes);  // some merges did occur
}

TEST(BpeTokenizer, EncodesFromSeveralThreadsAsFromOne) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  const std::vector<nlohmann::json> golden = golden_lines("text_encodings.jsonl");
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (const nlohmann::json& line : golden)
        wrong[t] +=
            tokenizer.encode(line[0].get<std::string>()) != line[1].get<std::vector<int32_t>>();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

/// Pieces that the first cache does not hold: of many tokens, of many bytes, at the end of a text.
TEST(BpeTokenizer, KnowsPiecesOfEveryLengthAgain) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  size_t num_many = 0;
  for (size_t length = 1; length < 200; ++length) {
    std::string word;
    for (size_t i = 0; i < length; ++i) word.push_back(static_cast<char>('a' + i * i % 23));
    const std::vector<int32_t> ids = tokenizer.encode(word);
    ASSERT_EQ(tokenizer.decode(ids), word);
    ASSERT_EQ(tokenizer.encode(word), ids) << length;
    std::vector<int32_t> twice = ids;
    const std::vector<int32_t> dot = tokenizer.encode(".");
    twice.insert(twice.end(), dot.begin(), dot.end());
    twice.insert(twice.end(), ids.begin(), ids.end());
    ASSERT_EQ(tokenizer.encode(word + "." + word), twice) << length;
    num_many += length <= 15 && ids.size() > 3;
  }
  EXPECT_GT(num_many, 5U);
}

TEST(BpeTokenizer, AWordOfAMegabyteTakesNoLongerThanItsParts) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  std::string word;
  for (size_t i = 0; i < 1'000'000; ++i) word.push_back("etaoinshr"[i * i % 9]);
  const std::clock_t began = std::clock();  // of the processor: others may keep it busy
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(word)), word);
  EXPECT_LT(static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC, 20);  // quadratic: an hour
}

TEST(BpeTokenizer, EndOfTextIsMadeByNoText) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  EXPECT_EQ(tokenizer.end_of_text(), tokenizer.vocab_size() - 1);
  const std::vector<int32_t> ids = tokenizer.encode("a<|endoftext|>b");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), tokenizer.end_of_text()), 0);
  EXPECT_EQ(tokenizer.decode(ids), "a<|endoftext|>b");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{tokenizer.end_of_text()}), "<|endoftext|>");
}

TEST(BpeTokenizer, EncodeToAppends) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  std::vector<int32_t> ids = tokenizer.encode("one");
  const size_t before = ids.size();
  tokenizer.encode_to(" two", ids);
  EXPECT_GT(ids.size(), before);
  EXPECT_EQ(tokenizer.decode(ids), "one two");
}

TEST(BpeTokenizer, RefusesIdsWithoutAToken) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  for (const int32_t id : {-1, tokenizer.vocab_size(), 2147483647})
    EXPECT_NE(data_error_of([&] {
                tokenizer.decode(std::vector<int32_t>{0, id});
              }).find(std::to_string(id)),
              std::string::npos);
}

TEST(BpeTokenizer, HuggingFaceFileHoldsTheVocabulary) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  const nlohmann::json file = nlohmann::json::parse(tokenizer.tokenizer_json());
  EXPECT_EQ(file["model"]["vocab"], nlohmann::json::parse(tokenizer.texts().vocab_json));
  EXPECT_EQ(file["model"]["merges"].size(), static_cast<size_t>(tokenizer.vocab_size()) - 257);
  EXPECT_EQ(file["pre_tokenizer"]["type"], "ByteLevel");
  EXPECT_EQ(file["pre_tokenizer"]["add_prefix_space"], false);
  EXPECT_EQ(file["added_tokens"][0]["id"], tokenizer.end_of_text());
}

TEST_F(BpeTokenizerFiles, SavesWhatItLoaded) {
  const BpeTokenizer tokenizer = golden_tokenizer();
  tokenizer.save(dir_ / "new" / "folder");
  const BpeTokenizer again = BpeTokenizer::load(dir_ / "new" / "folder");
  EXPECT_EQ(read_file(dir_ / "new/folder/vocab.json"),
            read_file("tests/golden/text_vocab/vocab.json"));
  EXPECT_EQ(again.texts().merges_txt, read_file("tests/golden/text_vocab/merges.txt"));
  EXPECT_EQ(again.encode("Anna forgot the ticket."), tokenizer.encode("Anna forgot the ticket."));
}

TEST_F(BpeTokenizerFiles, ErrorsNameTheAbsoluteFile) {
  const auto load_error = [&] { return data_error_of([&] { BpeTokenizer::load(dir_); }); };
  EXPECT_NE(load_error().find((dir_ / "vocab.json").string() + ": not found"), std::string::npos)
      << load_error();
  fs::create_directories(dir_);
  write_file(dir_ / "vocab.json", golden_tokenizer().texts().vocab_json);
  EXPECT_NE(load_error().find((dir_ / "merges.txt").string() + ": not found"), std::string::npos)
      << load_error();
  write_file(dir_ / "merges.txt", "#version: 0.2\nqq qqq\n");
  EXPECT_NE(load_error().find((dir_ / "merges.txt").string() + ", line 2"), std::string::npos)
      << load_error();
  write_file(dir_ / "vocab.json", golden_tokenizer().texts().vocab_json.substr(0, 3000));
  EXPECT_NE(load_error().find((dir_ / "vocab.json").string() + ", line 1"), std::string::npos)
      << load_error();
  EXPECT_NE(data_error_of([] {
              BpeTokenizer::parse({"[]", "", ""}, "/x/ckpt.pt");
            }).find("/x/ckpt.pt: vocab.json"),
            std::string::npos);
}

}  // namespace
}  // namespace precis
