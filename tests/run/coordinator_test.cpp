// What rank 0 writes into the run folder, when, and what becomes of it where that fails.
#include "lib/run/coordinator.h"

#include <gtest/gtest.h>

#include <set>

#include "lib/base/files.h"
#include "lib/report/record.h"
#include "tests/support/small_run.h"

namespace precis {
namespace {

using namespace testing;
namespace fs = std::filesystem;

std::set<std::string> files_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

Record train_record(int64_t iter) {
  return {{"kind", "train"}, {"iter", iter}, {"max_iters", 8}, {"loss", 1.0}};
}

TEST(Coordinator, OpensAFolderThatSaysWhatIsRun) {
  SmallRun run;
  const RunInputs read = run.read();
  Coordinator coordinator(*run.config, true, run.log);
  EXPECT_TRUE(files_in(run.folder / "out").empty()) << "written only when everything was read";
  write_file(run.out(".last.pt.new"), "what a killed process left");
  coordinator.open(read.inputs, true);
  EXPECT_EQ(files_in(run.folder / "out"),
            (std::set<std::string>{"config.yaml", "train.log", "metrics.jsonl", "vocab.json",
                                   "merges.txt"}));
  RunConfig again;
  again.load(run.out("config.yaml"), {});
  EXPECT_EQ(again.model.n_embd, 8);
  EXPECT_EQ(again.data.train_csv.value, run.config->data.train_csv.value);
  EXPECT_EQ(BpeTokenizer::load(run.folder / "out").texts(), read.inputs.tokenizer->texts());
  run.log.warn("a word");
  EXPECT_NE(read_file(run.out("train.log")).find("warning: a word"), std::string::npos);
}

TEST(Coordinator, NamesAFolderThatCannotBeMade) {
  SmallRun run;
  write_file(run.folder / "out", "a file");
  try {
    const Coordinator coordinator(*run.config, true, run.log);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ConfigError& error) {
    expect_words(error.what(), {"run.out_dir", (run.folder / "out").string()});
  }
}

/// The iterations in metrics.jsonl, which held 0 to 4, after an opening.
std::vector<int64_t> kept(SmallRun& run, const Inputs& inputs, bool trains) {
  std::string lines;
  for (int64_t i = 0; i < 5; ++i) lines += to_json(train_record(i)) + "\n";
  write_file(run.out("metrics.jsonl"), lines);
  Coordinator coordinator(*run.config, true, run.log);
  coordinator.open(inputs, trains);
  std::vector<int64_t> found;
  for (const Record& record : run.records("train")) found.push_back(record["iter"]);
  return found;
}

TEST(Coordinator, KeepsTheRecordsOfWhatIsNotDoneAgain) {
  SmallRun run;
  Inputs inputs = run.read().inputs;
  fs::create_directory(run.folder / "out");
  EXPECT_TRUE(kept(run, inputs, true).empty()) << "training starts anew";
  inputs.iter = 3;
  EXPECT_TRUE(kept(run, inputs, true).empty()) << "from another run's weights";
  EXPECT_EQ(kept(run, inputs, false).size(), 5u) << "an evaluation adds to what is there";
  inputs.resumed = true;
  EXPECT_EQ(kept(run, inputs, true), (std::vector<int64_t>{0, 1, 2}));
}

TEST(Coordinator, ASaveThatFailsIsToldAndTheNextOneTried) {
  SmallRun run;
  const RunInputs read = run.read();
  Coordinator coordinator(*run.config, true, run.log);
  coordinator.open(read.inputs, true);
  fs::create_directories(run.out("ckpt.pt") / "in the way");
  coordinator.save_best(model_at(1, read.model), 1e-3);
  coordinator.save_last(model_at(2, read.model), 1e-3);  // waits for the one before
  const std::string log = read_file(run.out("train.log"));
  EXPECT_GE(count_of(log, "warning: a checkpoint was not saved: "), 1u);
  expect_words(log, {"ckpt.pt", "trying again"});
  fs::remove_all(run.out("ckpt.pt"));
  coordinator.save_best(model_at(3, read.model), 1e-3);
  coordinator.finish_saves();
  EXPECT_EQ(run.checkpoint("ckpt.pt").progress.iter, 3);
  EXPECT_EQ(run.checkpoint("last.pt").progress.iter, 2);

  fs::remove(run.out("ckpt.pt"));
  fs::create_directories(run.out("ckpt.pt") / "in the way");
  coordinator.save_best(model_at(4, read.model), 1e-3);
  expect_words(error_of([&] { coordinator.finish_saves(); }), {run.out("ckpt.pt").string()});
}

TEST(Coordinator, SavesWhatATrainingGoesOnWith) {
  SmallRun run(Settings{{"checkpoint.keep_last", "1"}});
  RunInputs read = run.read();
  Coordinator coordinator(*run.config, true, run.log);
  coordinator.open(read.inputs, true);
  ModelFile state = model_at(5, read.model);
  state.optimizer->exp_avg_sq.fill_(0.5);
  coordinator.save_last(state, 1e-3);
  const at::Tensor before = state.flat.clone();
  state.flat.zero_();  // the next step may change it at once
  coordinator.finish_saves();
  const ModelFile saved = run.checkpoint("last.pt");
  EXPECT_TRUE(at::equal(saved.flat, before));
  ASSERT_TRUE(saved.optimizer);
  EXPECT_TRUE(at::equal(saved.optimizer->exp_avg_sq, state.optimizer->exp_avg_sq));
  EXPECT_TRUE(fs::exists(run.out("iter-000005.pt")));
  EXPECT_EQ(saved.tokenizer, read.inputs.tokenizer->texts());
}

TEST(Coordinator, AStageIsUpToDateForItsWeightsAndSettings) {
  SmallRun run;
  const RunInputs read = run.read();
  Coordinator coordinator(*run.config, true, run.log);
  coordinator.open(read.inputs, false);
  const auto is_done = [&](const char* weights, const char* settings) {
    return coordinator.is_up_to_date("evaluate", weights, settings, "evaluation.json");
  };
  coordinator.note_stage("evaluate", 3, "w1", "s1");
  EXPECT_FALSE(is_done("w1", "s1")) << "the file is gone";
  coordinator.write("evaluation.json", "{}");
  EXPECT_TRUE(is_done("w1", "s1"));
  EXPECT_FALSE(is_done("w2", "s1"));
  EXPECT_FALSE(is_done("w1", "s2"));
  coordinator.note_stage("predict", 3, "w2", "s2");
  EXPECT_TRUE(is_done("w1", "s1")) << "another stage does not count";
  coordinator.note_stage("evaluate", 4, "w2", "s2");
  EXPECT_FALSE(is_done("w1", "s1")) << "the file is of the last time";
  EXPECT_TRUE(is_done("w2", "s2"));
  EXPECT_EQ(run.records("stage").back()["iter"], 4);
  EXPECT_GT(run.records("stage").back()["time"], 1e9);
}

TEST(Coordinator, WritesNothingOnOtherRanks) {
  SmallRun run;
  const RunInputs read = run.read();
  Log silent(false);
  Coordinator coordinator(*run.config, false, silent);
  EXPECT_FALSE(coordinator.is_root());
  coordinator.open(read.inputs, true);
  coordinator.record(train_record(0));
  coordinator.save_best(model_at(1, read.model), 1e-3);
  coordinator.save_last(model_at(1, read.model), 1e-3);
  coordinator.finish_saves();
  coordinator.write("evaluation.json", "{}");
  coordinator.note_stage("evaluate", 1, "w", "s");
  coordinator.write_report(read.inputs);
  EXPECT_FALSE(fs::exists(run.folder / "out"));
}

TEST(Coordinator, MakesAPageOfWhatTheFolderHolds) {
  SmallRun run;
  const RunInputs read = run.read();
  Coordinator coordinator(*run.config, true, run.log);
  coordinator.open(read.inputs, true);
  coordinator.record(train_record(0));
  const std::string header = "id,reference,prediction,rouge1,rouge2,rougeL\n";
  coordinator.write("evaluation.csv", header + "1,aaaa,a prediction,0.5,0.25,0.5\n");
  coordinator.write_report(read.inputs);
  std::string page = read_file(run.out("report.html"));
  expect_words(page, {"Precis: out", "n_embd: 8", "a prediction", "hello 1", "training rows"});
  coordinator.write("evaluation.csv", header + "1,of other data,a prediction,0.5,0.25,0.5\n");
  coordinator.write_report(read.inputs);
  page = read_file(run.out("report.html"));
  EXPECT_EQ(page.find("a prediction"), std::string::npos);

  fs::remove(run.out("report.html"));
  run.config->report.html = false;
  coordinator.write_report(read.inputs);
  EXPECT_FALSE(fs::exists(run.out("report.html")));
}

}  // namespace
}  // namespace precis
