#include "lib/data/dataset.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/text/bpe_trainer.h"

namespace precis {
namespace {

class Datasets : public ::testing::Test {
 protected:
  Datasets() : dir_(::testing::TempDir()), file_(dir_ / "precis_dataset_test.csv") {}
  ~Datasets() override { std::filesystem::remove(file_); }

  DataConfig config(int rows) {
    std::string text = "extra,summary,id,dialogue\n";
    for (int i = 0; i < rows; ++i)
      text += "e,s" + std::to_string(i) + ",00" + std::to_string(i) +
              ",\"A: hi\nB: " + std::string(static_cast<size_t>(i), 'x') + "\"\n";
    write_file(file_, text);
    DataConfig data;
    data.train_csv.value = file_.string();
    return data;
  }

  std::filesystem::path dir_, file_;
};

TEST_F(Datasets, ColumnsGoByNameAndIdsStayText) {
  const auto examples = [&] {
    const DataConfig data = config(3);
    return read_examples(file_, data, true);
  }();
  ASSERT_EQ(examples.size(), 3U);
  EXPECT_EQ(examples[1].id, "001");
  EXPECT_EQ(examples[1].dialogue, "A: hi\nB: x");
  EXPECT_EQ(examples[1].summary, "s1");
}

TEST_F(Datasets, AColumnThatIsMissingIsNamedWithTheKeyToSet) {
  DataConfig data = config(3);
  for (const auto& [key, name] : {std::pair{"data.id_column", &data.id_column},
                                  {"data.dialogue_column", &data.dialogue_column},
                                  {"data.summary_column", &data.summary_column}}) {
    const std::string right = *name;
    *name = right + "s";
    try {
      read_examples(file_, data, true);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const DataError& error) {
      const std::string hint = "set " + std::string(key) + "='" + right + "'";
      EXPECT_NE(std::string(error.what()).find(hint), std::string::npos) << error.what();
    }
    *name = right;
  }
  write_file(file_, "id,dialogue\n");
  try {
    read_examples(file_, data, false);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("no row below it"), std::string::npos) << error.what();
  }
}

TEST_F(Datasets, TheSplitIsSeededAndLosesNoRow) {
  DataConfig data = config(100);
  const Split a = read_split(data), b = read_split(data);
  EXPECT_EQ(a.validation.size(), 5U);
  EXPECT_EQ(a.train.size(), 95U);
  EXPECT_EQ(a.validation[0].id, b.validation[0].id);
  std::set<std::string> ids;
  for (const auto* side : {&a.train, &a.validation})
    for (const Example& example : *side) ids.insert(example.id);
  EXPECT_EQ(ids.size(), 100U);
  data.split_seed = 43;
  const Split other = read_split(data);
  bool differs = false;
  for (size_t i = 0; i < 5; ++i) differs = differs || other.validation[i].id != a.validation[i].id;
  EXPECT_TRUE(differs);
}

TEST_F(Datasets, ASplitThatCannotBeIsRefused) {
  const DataConfig data = config(3);  // 5 % of 3 rows are none
  EXPECT_THROW(read_split(data), DataError);
}

TEST_F(Datasets, OverlongSamplesAreCutInTheDialogueOrDropped) {
  const BpeTokenizer tokenizer = train_bpe(std::vector<std::string>{"ab"}, 257);
  const SummaryPrompt prompt({"D:", "S:"}, tokenizer);
  const std::vector<Example> examples{{"a", "short", "sum"},
                                      {"b", std::string(80, 'x') + "\nlast words", "the sum"},
                                      {"c", "x", std::string(90, 'y')}};
  const DialogueDataset cut(examples, prompt, 40, false), dropped(examples, prompt, 40, true);
  EXPECT_EQ(cut.size(), 2);
  EXPECT_EQ(cut.num_cut(), 1);
  EXPECT_EQ(cut.num_dropped(), 1);  // a summary is never cut
  EXPECT_EQ(dropped.size(), 1);
  EXPECT_EQ(dropped.num_dropped(), 2);
  const EncodedExample& sample = cut[1];
  EXPECT_LE(cut.input_tokens(1), 40);
  EXPECT_EQ(cut.row(1), 1);
  EXPECT_EQ(tokenizer.decode(sample.tokens), "D:last wordsS:the sum<|endoftext|>");
  EXPECT_EQ(cut.target_tokens(1), 8);
}

}  // namespace
}  // namespace precis
