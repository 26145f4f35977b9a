// A second family of models goes through the whole house: it trains, evaluates, predicts, saves,
// resumes and exports by the code that GPT-2 goes through, which knows neither.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>

#include "lib/base/files.h"
#include "lib/formats/csv.h"
#include "lib/generate/inference_model.h"
#include "lib/huggingface/folder.h"
#include "lib/programs/convert.h"
#include "lib/report/json_lines.h"
#include "lib/run/inputs.h"
#include "lib/run/model_source.h"
#include "lib/run/trainer.h"
#include "tests/formats/made_files.h"
#include "tests/support/bigram.h"

namespace precis {
namespace {

namespace fs = std::filesystem;
using testing::bigram_family;
using testing::error_of;
using testing::expect_words;
using testing::TemporaryFolder;

World& the_world() {
  static World world;  // MPI starts once a process
  return world;
}

const ModelFamilies kFamilies{&bigram_family()};

/// A run over the dialogues that ship with Precis.
RunConfig run_config(const fs::path& out, int64_t max_iters) {
  RunConfig config;
  config.families = kFamilies;
  config.model.family = "bigram";
  config.run.out_dir.value = out.string();
  config.run.device = "cpu";
  config.data.train_csv.value = "configs/quickstart/validation.csv";
  config.data.validation_csv.value = "configs/quickstart/validation.csv";
  config.data.test_csv.value = "configs/quickstart/test.csv";
  config.data.block_size = 256;
  config.tokenizer.dir.value = "configs/quickstart/vocabulary";
  config.train.max_iters = max_iters;
  config.train.decay_lr = false;
  config.train.learning_rate = 0.05;
  config.train.global_batch_size = 16;
  config.eval.interval = 10;
  config.eval.max_examples = 20;
  config.eval.rouge_examples = 4;
  config.eval.samples = 0;
  config.generation.max_new_tokens = 12;
  config.report.log_interval = 1;
  config.report.tensorboard = config.report.html = false;
  return config;
}

void run(RunConfig config) {
  ASSERT_EQ(run_trainer(the_world(), config), ExitCode::kDone);
}

/// `what` of each record of a kind, by its iteration; of one that is there twice, the last.
std::map<int64_t, Record> records(const fs::path& out, const std::string& kind) {
  std::map<int64_t, Record> found;
  for (const Record& record : read_json_lines(out / "metrics.jsonl"))
    if (record.value("kind", "") == kind) found[record["iter"].get<int64_t>()] = record;
  return found;
}

TEST(Family, TrainsEvaluatesAndPredicts) {
  const TemporaryFolder folder;
  const fs::path out = folder / "out";
  run(run_config(out, 20));
  const auto steps = records(out, "train");
  ASSERT_EQ(steps.size(), 20U);
  EXPECT_LT(steps.at(19)["loss"].get<double>(), steps.at(0)["loss"].get<double>() - 1);
  EXPECT_EQ(records(out, "eval").size(), 3U);  // after 0, 10 and 20 steps
  EXPECT_NEAR(records(out, "eval").at(0)["val_loss"].get<double>(), std::log(1500.0), 0.01)
      << "a table that knows nothing";
  const CsvTable predictions = read_csv(out / "submission.csv");
  EXPECT_EQ(predictions.rows.size(), read_csv("configs/quickstart/test.csv").rows.size());
  EXPECT_TRUE(fs::exists(out / "evaluation.json"));
}

TEST(Family, DecodesByItsTable) {
  const TemporaryFolder folder;
  run(run_config(folder / "out", 20));
  const ModelFile file = read_checkpoint(folder / "out/last.pt", kFamilies);
  const auto model = file.shape->make_model(file.table(), at::kCPU);
  const InferenceModel inference(*model, make_weights(file.table(), file.flat, at::kFloat));
  CachedDecoder decoder(inference);
  const std::vector<std::vector<int32_t>> prompts{{7, 300}, {12}};
  const std::vector<int32_t> next{40, 41};
  const std::vector<int64_t> swapped{1, 0};
  const ParameterTable table = file.table();
  const auto view = [&](const char* name) {
    return table.view(file.flat, table.slots()[table.index(name)]);
  };
  const auto row = [&](int64_t token) {
    return view(testing::kBigramTable)[token] + view(testing::kBigramBias);
  };
  const at::Tensor first = decoder.start(prompts, 4);
  EXPECT_TRUE(at::equal(first[0], row(300)) && at::equal(first[1], row(12)));
  decoder.select(swapped);
  const at::Tensor second = decoder.step(next);
  EXPECT_TRUE(at::equal(second[0], row(40)) && at::equal(second[1], row(41)));
}

TEST(Family, ResumesAsIfNothingHadHappened) {
  const TemporaryFolder folder;
  run(run_config(folder / "straight", 12));
  run(run_config(folder / "halved", 7));
  run(run_config(folder / "halved", 12));
  const auto straight = records(folder / "straight", "train"),
             halved = records(folder / "halved", "train");
  ASSERT_EQ(halved.size(), 12U);
  for (const auto& [iter, record] : straight)
    EXPECT_EQ(record["loss"], halved.at(iter)["loss"]) << iter;
  const ModelFile a = read_checkpoint(folder / "straight/last.pt", kFamilies),
                  b = read_checkpoint(folder / "halved/last.pt", kFamilies);
  EXPECT_TRUE(a.flat.equal(b.flat));
  EXPECT_TRUE(a.optimizer->exp_avg_sq.equal(b.optimizer->exp_avg_sq));
}

TEST(Family, GoesToAHuggingFaceFolderAndBack) {
  const TemporaryFolder folder;
  run(run_config(folder / "out", 5));
  const fs::path checkpoint = folder / "out/last.pt", exported = folder / "hf";
  Log log(false);
  convert_model(checkpoint.string(), exported, "", log, kFamilies);
  convert_model(exported.string(), folder / "back.pt", "", log, kFamilies);
  const ModelFile before = read_checkpoint(checkpoint, kFamilies),
                  between = read_model_folder(exported, kFamilies),
                  after = read_checkpoint(folder / "back.pt", kFamilies);
  EXPECT_TRUE(before.flat.equal(between.flat));
  EXPECT_TRUE(before.flat.equal(after.flat));
  EXPECT_EQ(after.shape->vocab_size, 1500);
  EXPECT_EQ(after.shape->block_size, 256);
}

TEST(Family, OneThatIsNotListedIsNamed) {
  const TemporaryFolder folder;
  run(run_config(folder / "out", 1));
  Log log(false);
  convert_model((folder / "out/last.pt").string(), folder / "hf", "", log, kFamilies);
  expect_words(error_of([&] { read_checkpoint(folder / "out/last.pt"); }),
               {"last.pt", "bigram", "gpt2"});
  expect_words(error_of([&] { read_model_folder(folder / "hf"); }),
               {"config.json", "bigram", "gpt2"});
}

TEST(Family, SizesThatItDoesNotHaveAreRefused) {
  const TemporaryFolder folder;
  RunConfig config = run_config(folder / "out", 1);
  config.model.n_layer = 3;
  Log log(false);
  try {
    read_inputs(config, log);
    FAIL() << "it was taken";
  } catch (const ConfigError& error) {
    expect_words(error.what(), {"model.n_layer"});
  }
}

}  // namespace
}  // namespace precis
