// A training that goes on with another config: what is taken, what is refused, and what is said.
#include "lib/run/resume_changes.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "lib/base/files.h"
#include "lib/config/describe.h"
#include "lib/formats/pt_file.h"
#include "lib/text/bpe_trainer.h"
#include "tests/support/small_run.h"

namespace precis {
namespace {

using namespace testing;

/// A run whose folder holds last.pt of 4 iterations, made with its config and rows.
struct ResumeChangesTest : ::testing::Test {
  ResumeChangesTest() { save(run.read().model); }

  void save(const ModelFile& model) {
    std::filesystem::create_directories(run.folder / "out");
    write_pt(run.out("last.pt"), checkpoint_value(model_at(4, model), run.config->train, 1e-3,
                                                  dump_yaml(run.config->sections())));
  }
  /// Goes on with these changes; returns what the log has of it.
  std::string go_on(const Settings& changes = {}) {
    run.load(changes);
    const RunInputs read = run.read();
    EXPECT_TRUE(read.inputs.resumed);
    EXPECT_EQ(read.inputs.iter, 4);
    progress = read.model.progress;
    const std::string log = read_file(run.folder / "log.txt");
    return log.substr(std::exchange(seen, log.size()));
  }
  std::string refused(const Settings& changes = {}) {
    run.load(changes);
    try {
      run.read();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "(taken)";
  }
  std::string path(const std::string& name) const { return (run.folder / name).string(); }
  void add_row(const std::string& file) {
    write_file(run.folder / file, read_file(run.folder / file) + "4,A: hello 4,aaaa\n");
  }

  SmallRun run;
  Progress progress;
  size_t seen = 0;  // of the log
};

TEST_F(ResumeChangesTest, NothingIsSaidWhereNothingHasChanged) {
  EXPECT_EQ(count_of(go_on(), "changed since"), 0u);
}

TEST_F(ResumeChangesTest, WhatMayChangeIsTakenWithALineEach) {
  const std::string log = go_on({{"train.max_iters", "40"},
                                 {"eval.interval", "7"},
                                 {"model.dropout", "0.5"},
                                 {"run.stages", "train"}});
  for (const char* line :
       {"changed since: train.max_iters: 8 -> 40", "changed since: eval.interval: 250 -> 7",
        "changed since: model.dropout: 0.0 -> 0.5"})
    EXPECT_EQ(count_of(log, line), 1u) << line << " is not in: " << log;
  EXPECT_EQ(count_of(log, "changed since"), 3u) << log;
}

TEST_F(ResumeChangesTest, AFileThatHasMovedHoldsTheSameRows) {
  std::filesystem::rename(run.folder / "train.csv", run.folder / "moved.csv");
  const std::string log = go_on({{"data.train_csv", path("moved.csv")}});
  EXPECT_EQ(count_of(log, "data.train_csv: "), 1u);
  expect_words(log, {path("train.csv") + " -> " + path("moved.csv")});
}

TEST_F(ResumeChangesTest, ARefusalNamesAllAndWhatToDo) {
  add_row("train.csv");
  const std::string error = refused({{"prompt.summary_start", "\\n\\n"},
                                     {"data.overlong", "drop"},
                                     {"model.n_layer", "2"},
                                     {"tokenizer.train_vocab_size", "300"},
                                     {"data.validation_csv", path("train.csv")},
                                     {"train.max_iters", "40"}});
  expect_words(error, {run.out("last.pt").string(), "prompt.summary_start: ", "data.overlong: ",
                       "model.n_layer is 2", "tokenizer.train_vocab_size: 257 -> 300",
                       "data.validation_csv: ", "the training and validation rows are not those",
                       run.out("config.yaml").string(), "run.out_dir", "model.init_from"});
  EXPECT_EQ(error.find("max_iters"), std::string::npos) << error;
}

TEST_F(ResumeChangesTest, OtherRowsInTheSameFileAreNoticed) {
  const std::string before = read_file(run.folder / "train.csv");
  add_row("train.csv");
  expect_words(refused(), {"the training rows are not those", path("train.csv"), "has changed"});
  write_file(run.folder / "train.csv", before);
  EXPECT_EQ(refused(), "(taken)");
  add_row("validation.csv");
  expect_words(refused(), {"the validation rows are not those"});
}

TEST_F(ResumeChangesTest, ACheckpointThatDoesNotSayIsTaken) {
  add_row("train.csv");
  ModelFile old = model_at(4, read_checkpoint(run.out("last.pt")));
  old.data = {};
  write_pt(run.out("last.pt"), checkpoint_value(old, run.config->train, 1e-3, "unknown: {key: 1}"));
  EXPECT_EQ(count_of(go_on({{"train.max_iters", "40"}}), "changed since"), 0u);
}

TEST_F(ResumeChangesTest, AnotherMetricBeginsAnewWithTheBest) {
  ModelFile model = run.read().model;
  model.progress.best_metric = 0.75;
  model.progress.stale_evaluations = 3;
  save(model);
  go_on();
  EXPECT_EQ(progress.best_metric, 0.75);
  EXPECT_EQ(progress.stale_evaluations, 3);
  expect_words(go_on({{"eval.metric", "rouge1"}}),
               {"eval.metric: val_loss -> rouge1", "the next evaluation is the best so far"});
  EXPECT_EQ(progress.best_metric, Progress{}.best_metric);
  EXPECT_EQ(progress.stale_evaluations, 0);
}

TEST_F(ResumeChangesTest, AVocabularyIsComparedWhereverItIs) {
  run.read().inputs.tokenizer->save(run.folder / "same");
  const std::vector<std::string> texts{"hello hello"};
  train_bpe(texts, 257).save(run.folder / "alike");  // the bytes alone, too
  train_bpe(texts, 260).save(run.folder / "other");
  for (const char* name : {"same", "alike"})
    expect_words(go_on({{"tokenizer.train_vocab_size", "0"}, {"tokenizer.dir", path(name)}}),
                 {"changed since: tokenizer.dir: "});
  expect_words(refused({{"tokenizer.train_vocab_size", "0"}, {"tokenizer.dir", path("other")}}),
               {"tokenizer.dir: ", path("other")});
}

}  // namespace
}  // namespace precis
