// Vocabularies in every form that a folder may have them in, and what is refused.
#include "lib/text/vocabulary_files.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "tests/text/golden.h"

namespace precis {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kText = "Anna forgot the ticket. ## 42 \u00e9\U0001F642 <|endoftext|>\n\n ok";

class VocabularyFiles : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(testing::TempDir()) /
           testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  void write(const std::string& name, const std::string& content) const {
    write_file(dir_ / name, content);
  }
  /// vocab.json and merges.txt, as they are in tests/golden.
  void write_pair() const {
    for (const char* name : {"vocab.json", "merges.txt"})
      write(name, read_file(fs::path("tests/golden/text_vocab") / name));
  }
  /// The tokenizer.json of tests/golden, changed.
  void write_whole(const std::function<void(Json&)>& change) const {
    Json file = Json::parse(read_file("tests/golden/text_added/tokenizer.json"));
    change(file);
    write("tokenizer.json", file.dump());
  }
  BpeTokenizer load() const { return BpeTokenizer::load(dir_); }
  std::string error() const {
    return data_error_of([&] { load(); });
  }
  std::string error_with(const std::function<void(Json&)>& change) const {
    write_whole(change);
    return error();
  }

  fs::path dir_;
};

void expect_words(const std::string& message, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    EXPECT_NE(message.find(word), std::string::npos) << word << " in: " << message;
}

TEST_F(VocabularyFiles, TokenizerJsonAloneIsReadAsTokenizersReadsIt) {
  const BpeTokenizer tokenizer = BpeTokenizer::load("tests/golden/text_added");
  size_t with_added = 0, with_special = 0;
  for (const nlohmann::json& line : golden_lines("text_added.jsonl")) {
    const std::string text = line[0];
    const auto ids = line[1].get<std::vector<int32_t>>();
    ASSERT_EQ(tokenizer.encode(text), ids) << text;
    ASSERT_EQ(tokenizer.decode(ids), line[2].get<std::string>()) << text;
    ASSERT_EQ(tokenizer.decode_text(ids), line[3].get<std::string>()) << text;
    with_added += std::any_of(ids.begin(), ids.end(), [](int32_t id) { return id >= 743; });
    with_special += line[2] != line[3];
  }
  EXPECT_GT(with_added, 300U);
  EXPECT_GT(with_special, 200U);
  EXPECT_EQ(tokenizer.texts().vocab_json.front(), '{');
  EXPECT_EQ(tokenizer.texts().merges_txt, golden_tokenizer().texts().merges_txt);
}

TEST_F(VocabularyFiles, AVocabularySavedAndReadAgainIsTheSame) {
  const BpeTokenizer tokenizer = BpeTokenizer::load("tests/golden/text_added");
  const auto expect_same = [&](const BpeTokenizer& again) {
    EXPECT_EQ(again.texts(), tokenizer.texts());
    EXPECT_EQ(again.tokenizer_json(), tokenizer.tokenizer_json());
    for (const nlohmann::json& line : golden_lines("text_added.jsonl"))
      ASSERT_EQ(again.encode(line[0].get<std::string>()), line[1].get<std::vector<int32_t>>());
  };
  expect_same(BpeTokenizer::parse(tokenizer.texts(), "a checkpoint"));
  tokenizer.save(dir_);
  expect_same(load());
  fs::remove(dir_ / "vocab.json");
  expect_same(load());  // tokenizer.json alone
}

TEST_F(VocabularyFiles, MergesMayBeTextsAndPairs) {
  const std::vector<int32_t> ids = BpeTokenizer::load("tests/golden/text_added").encode(kText);
  write_whole([](Json& file) {
    ASSERT_TRUE(file["model"]["merges"][0].is_array());
    for (Json& merge : file["model"]["merges"])
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  });
  EXPECT_EQ(load().encode(kText), ids);
  write_whole([](Json& file) {  // symbols with blanks inside, which no byte spells, merge nothing
    Json& model = file["model"];
    model["vocab"]["a b"] = 800;
    model["vocab"]["a b c"] = 801;
    model["merges"].insert(model["merges"].begin(), Json::array({"a b", " c"}));
  });
  EXPECT_EQ(load().encode(kText), ids);
  expect_words(error_with([](Json& file) {
                 file["model"]["merges"][2] = {"q", "zzz"};
               }),
               {(dir_ / "tokenizer.json").string(), "merge 3", "\"zzz\""});
  expect_words(error_with([](Json& file) {
                 file["model"]["merges"][1] = {"a", "b", "c"};
               }),
               {"tokenizer.json, line 1", "']'"});
}

TEST_F(VocabularyFiles, OtherKindsOfTokenizerAreRefusedByName) {
  const std::string file = (dir_ / "tokenizer.json").string();
  const auto with = [&](const char* key, const Json& value) {
    return error_with([&](Json& json) { json[key] = value; });
  };
  const auto with_model = [&](const char* key, const Json& value) {
    return error_with([&](Json& json) { json["model"][key] = value; });
  };
  EXPECT_EQ(error_with([](Json&) {}), "");
  for (const char* type : {"WordPiece", "Unigram", "WordLevel"})
    expect_words(with_model("type", type), {file, type, "byte-level BPE"});
  expect_words(with_model("ignore_merges", true), {file, "model.ignore_merges"});
  expect_words(with_model("byte_fallback", true), {file, "model.byte_fallback"});
  expect_words(with_model("end_of_word_suffix", "</w>"), {file, "'</w>'"});
  expect_words(with("normalizer", {{"type", "NFC"}}), {file, "normalizer", "NFC"});
  expect_words(with("pre_tokenizer", {{"type", "Metaspace"}}),
               {file, "pre_tokenizer", "Metaspace"});
  expect_words(with("pre_tokenizer", nullptr), {file, "pre_tokenizer"});
  const Json level{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  Json prefix = level, no_regex = level;
  prefix["add_prefix_space"] = true;
  no_regex["use_regex"] = false;
  expect_words(with("pre_tokenizer", prefix), {file, "add_prefix_space"});
  expect_words(with("pre_tokenizer", no_regex), {file, "use_regex"});
  const auto sequence = [](const Json& parts) {
    return Json{{"type", "Sequence"}, {"pretokenizers", parts}};
  };
  EXPECT_EQ(with("pre_tokenizer", sequence(Json::array({level}))), "");
  expect_words(with("pre_tokenizer", sequence(Json::array({level, level}))), {file, "Sequence"});
  expect_words(error_with([](Json& json) { json.erase("model"); }), {file, "'model'"});
  expect_words(error_with([](Json& json) { json["model"].erase("merges"); }), {file, "'merges'"});
  expect_words(with_model("vocab", Json::array({"a"})), {file, "'{'"});
  write("tokenizer.json", R"({"model": )");
  expect_words(error(), {file, "line 1"});
}

TEST_F(VocabularyFiles, AByteOrderMarkAndCarriageReturnsChangeNothing) {
  write_pair();
  std::string merges = read_file(dir_ / "merges.txt"), crlf;
  for (const char c : merges) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  write("vocab.json", "\xEF\xBB\xBF" + read_file(dir_ / "vocab.json"));
  write("merges.txt", "\xEF\xBB\xBF" + crlf);
  const BpeTokenizer tokenizer = load();
  EXPECT_EQ(tokenizer.encode(kText), golden_tokenizer().encode(kText));
  EXPECT_EQ(tokenizer.texts(), golden_tokenizer().texts());
}

/// What readers that always skip the first line, and the last end of line, need.
TEST_F(VocabularyFiles, SavedMergesBeginWithTheirVersion) {
  write_pair();
  const std::string good = read_file(dir_ / "merges.txt");
  const std::string lines = good.substr(good.find('\n') + 1);
  for (const std::string& form :
       {lines, "#version: 0.2 - Trained by `huggingface/tokenizers`\n" + lines,
        lines.substr(0, lines.size() - 1), "#version: 0.2\n" + lines + "\n\n"}) {
    write("merges.txt", form);
    const BpeTokenizer tokenizer = load();
    EXPECT_EQ(tokenizer.texts().merges_txt, good);
    EXPECT_EQ(tokenizer.encode(kText), golden_tokenizer().encode(kText));
  }
}

TEST_F(VocabularyFiles, AFirstMergeOfNumberSignsIsNoHeader) {
  nlohmann::json vocab = nlohmann::json::parse(read_file("tests/golden/text_vocab/vocab.json"));
  vocab["##"] = 790;
  const std::string lines = golden_tokenizer().texts().merges_txt.substr(14);
  write("vocab.json", vocab.dump());
  write("merges.txt", "# #\n" + lines);
  const BpeTokenizer tokenizer = load();
  EXPECT_EQ(tokenizer.encode("##"), std::vector<int32_t>{790});
  EXPECT_EQ(tokenizer.texts().merges_txt, "#version: 0.2\n# #\n" + lines);
}

TEST_F(VocabularyFiles, AddedTokensOfOlderFolders) {
  write_pair();
  write("added_tokens.json", R"({"<pad>": 743, "#Person1#": 745, "<sep>": 747})");
  write("special_tokens_map.json",
        R"({"pad_token": {"content": "<pad>"}, "additional_special_tokens": ["<sep>", "<none>"]})");
  write("tokenizer_config.json",
        R"({"eos_token": "<|endoftext|>", "unk_token": "Anna", "added_tokens_decoder":
            {"742": {"content": "<|endoftext|>", "special": true},
             "746": {"content": "#Person2#", "special": false}}})");
  const BpeTokenizer tokenizer = load();
  EXPECT_EQ(tokenizer.vocab_size(), 748);
  EXPECT_EQ(tokenizer.end_of_text(), 742);
  EXPECT_EQ(tokenizer.encode("#Person1#<sep>#Person2#<pad>"),
            (std::vector<int32_t>{745, 747, 746, 743}));
  const std::vector<int32_t> ids{743, 744, 745, 746, 747, 742, 9000, -1, 0};
  EXPECT_EQ(tokenizer.decode_text(ids), "#Person1##Person2#!");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{743, 742}), "<pad><|endoftext|>");
  EXPECT_EQ(tokenizer.ids_without_token(750), (std::vector<int32_t>{744, 748, 749}));
  EXPECT_EQ(BpeTokenizer::parse(tokenizer.texts(), "x").texts(), tokenizer.texts());
}

TEST_F(VocabularyFiles, TheFirstOfTwoThatDifferCounts) {
  write_pair();
  write("tokenizer.json", R"({"added_tokens": [{"id": 743, "content": "<a>", "special": true}]})");
  write("added_tokens.json", R"({"<b>": 743, "<a>": 744, "<c>": 745})");
  const BpeTokenizer tokenizer = load();
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{743, 745}), "<a><c>");
  EXPECT_EQ(tokenizer.ids_without_token(746), std::vector<int32_t>{744});
}

TEST_F(VocabularyFiles, EndOfTextMayBeAnAddedToken) {
  nlohmann::json vocab = nlohmann::json::parse(read_file("tests/golden/text_vocab/vocab.json"));
  vocab.erase("<|endoftext|>");
  write_pair();
  write("vocab.json", vocab.dump());
  expect_words(error(), {(dir_ / "vocab.json").string(), "<|endoftext|>", "bpe train"});
  write("added_tokens.json", R"({"<|endoftext|>": 760})");
  const BpeTokenizer tokenizer = load();
  EXPECT_EQ(tokenizer.end_of_text(), 760);
  EXPECT_EQ(tokenizer.encode("a<|endoftext|>"), golden_tokenizer().encode("a<|endoftext|>"));
  EXPECT_EQ(BpeTokenizer::parse(tokenizer.texts(), "x").end_of_text(), 760);
}

TEST_F(VocabularyFiles, RefusesAddedTokensThatCannotBe) {
  write_pair();
  const auto with = [&](const std::string& map) {
    write("added_tokens.json", map);
    return error();
  };
  EXPECT_EQ(with(R"({"<pad>": 743})"), "");
  expect_words(with(R"({"<pad>": "743"})"), {"added_tokens.json", "\"<pad>\"", "integer"});
  expect_words(with(R"({"<pad>": -2})"), {"added_tokens.json", "\"<pad>\"", "-2"});
  expect_words(with(R"({"<pad>": 1})"), {"vocab.json", "\"<pad>\"", "1", "\"\\\"\""});
  expect_words(with(R"({"<|endoftext|>": 743})"), {"<|endoftext|>", "742", "743", "two ids"});
  expect_words(with(R"({"<pad>": 2000000000})"), {"\"<pad>\"", "2000000000"});
  expect_words(with(R"(["<pad>"])"), {"added_tokens.json", "object"});
  expect_words(with(R"({"<pad>": 743)"), {"added_tokens.json", "JSON"});
  fs::remove(dir_ / "added_tokens.json");
  write("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "<pad>"}}})");
  expect_words(error(), {"tokenizer_config.json", "added_tokens_decoder", "'x'"});
  write("tokenizer_config.json", R"({"added_tokens_decoder": {"743": {}}})");
  expect_words(error(), {"tokenizer_config.json", "content"});
}

TEST_F(VocabularyFiles, FitsAModelOrNamesBothNumbers) {
  const auto fit = [](int64_t vocab_size) {
    BpeTokenizer tokenizer = BpeTokenizer::load("tests/golden/text_added");
    tokenizer.fit_to(vocab_size, "/models/m.pt");
    return tokenizer;
  };
  EXPECT_EQ(fit(800).vocab_size(), 753);
  const BpeTokenizer cut = fit(750);  // the model has no room for the last added tokens
  EXPECT_EQ(cut.vocab_size(), 750);
  EXPECT_EQ(cut.decode(std::vector<int32_t>{749}), "ticket");
  EXPECT_EQ(cut.encode("#Person1#").size(), 1U);
  EXPECT_GT(cut.encode("日本").size(), 1U);
  EXPECT_EQ(cut.texts().added_tokens.find("日本"), std::string::npos);
  EXPECT_EQ(fit(743).texts().added_tokens, "");
  expect_words(data_error_of([&] { fit(742); }), {"tokenizer.json", "743", "/models/m.pt", "742"});
}

}  // namespace
}  // namespace precis
