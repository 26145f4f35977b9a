// What looks on at training, with weights whose loss and whose ROUGE are known beforehand.
#include <gtest/gtest.h>

#include <cmath>

#include "lib/base/digest_text.h"
#include "lib/base/files.h"
#include "lib/run/checkpoint_observer.h"
#include "lib/run/evaluation_observer.h"
#include "lib/run/record_observer.h"
#include "lib/tensor/digest.h"
#include "tests/support/small_run.h"

namespace precis {
namespace {

using namespace testing;

/// A training and its observers in the order of train_stage.
struct Observed {
  explicit Observed(SmallRun& run)
      : training(run),
        parts{training.context, training.read.inputs, training.state},
        evaluations(parts, training.validation),
        checkpoints(parts, training.resumed_at) {}

  Boundary evaluate(int64_t steps, Boundary boundary = Boundary::kGoingOn) {
    return evaluations.reached(steps, boundary);
  }
  Progress& progress() { return training.state.progress; }

  SmallTraining training;
  TrainingParts parts;
  EvaluationObserver evaluations;
  CheckpointObserver checkpoints;
};

Settings every_step(const std::string& metric, int patience = 0) {
  return {{"eval.interval", "1"},
          {"eval.metric", metric},
          {"eval.early_stopping_patience", std::to_string(patience)}};
}

TEST(EvaluationObserver, KeepsTheLeastLoss) {
  SmallRun run(every_step("val_loss"));
  Observed observed(run);
  observed.training.let_it_say('b', 4);
  observed.evaluate(0);
  observed.training.let_it_say('a', 1);
  observed.evaluate(1);
  observed.training.let_it_say('a', 100);  // all of ROUGE, and a large loss
  observed.evaluate(2);
  observed.training.coordinator.finish_saves();
  EXPECT_EQ(observed.progress().best_iter, 1);
  EXPECT_EQ(observed.progress().stale_evaluations, 1);
  const auto records = run.records("eval");
  ASSERT_EQ(records.size(), 3u);
  EXPECT_LT(records[1]["val_loss"], records[0]["val_loss"]);
  EXPECT_GT(records[2]["val_loss"], 10.0);
  EXPECT_EQ(records[0]["rouge1"], 0.0);
  EXPECT_EQ(records[2]["rouge1"], 1.0);
  for (const size_t i : {0u, 1u, 2u}) EXPECT_EQ(records[i]["best"], i < 2) << i;
  const ModelFile best = run.checkpoint("ckpt.pt");
  EXPECT_EQ(best.progress.iter, 1);
  EXPECT_EQ(best.progress.best_val_loss, records[1]["val_loss"]);
  EXPECT_EQ(digest_text(digest_of(best.flat)), records[1]["weights"]);
}

TEST(EvaluationObserver, KeepsTheLargestRouge) {
  for (const std::string metric : {"rouge1", "rougeL"}) {
    SmallRun run(every_step(metric));
    Observed observed(run);
    observed.training.let_it_say('b', 1);  // the least loss of these
    observed.evaluate(0);
    observed.training.let_it_say('a', 100);
    observed.evaluate(1);
    observed.training.let_it_say('a', 1);  // as good
    observed.evaluate(2);
    observed.training.coordinator.finish_saves();
    EXPECT_EQ(observed.progress().stale_evaluations, 1) << metric;
    EXPECT_EQ(observed.progress().best_metric, 1.0);
    EXPECT_EQ(run.checkpoint("ckpt.pt").progress.iter, 1);
    EXPECT_GT(run.records("eval")[1]["val_loss"], run.records("eval")[0]["val_loss"]);
  }
}

TEST(EvaluationObserver, NeverTakesALossThatIsNoNumberForTheBest) {
  for (const std::string metric : {"val_loss", "rouge1"}) {
    SmallRun run(every_step(metric));
    Observed observed(run);
    observed.training.state.parameters.master().fill_(std::nan(""));
    observed.training.state.parameters.refresh();
    observed.evaluate(0);
    observed.training.coordinator.finish_saves();
    EXPECT_FALSE(std::filesystem::exists(run.out("ckpt.pt"))) << metric;
    EXPECT_EQ(observed.progress().stale_evaluations, 1);
    const auto records = run.records("eval");
    ASSERT_EQ(records.size(), 1u);
    EXPECT_TRUE(records[0]["val_loss"].is_null());
    EXPECT_EQ(records[0]["best"], false);
  }
}

TEST(EvaluationObserver, EndsAfterJustSoManyStaleOnes) {
  SmallRun run(every_step("val_loss", 2));
  Observed observed(run);
  observed.training.let_it_say('a', 1);
  EXPECT_EQ(observed.evaluate(0), Boundary::kGoingOn);
  EXPECT_EQ(observed.evaluate(1), Boundary::kGoingOn);
  EXPECT_EQ(observed.evaluate(2), Boundary::kEndedEarly);
  EXPECT_NE(read_file(run.out("train.log")).find("early stop: 2 evaluations"), std::string::npos);
  EXPECT_EQ(observed.evaluate(3, Boundary::kFinished), Boundary::kFinished);
  EXPECT_EQ(observed.evaluate(4, Boundary::kStopped), Boundary::kStopped);
  EXPECT_EQ(observed.progress().evaluated_iter, 3) << "a stop waits for no evaluation";
}

TEST(EvaluationObserver, IsCalledForAtEachIntervalAndAtTheEnd) {
  SmallRun run(Settings{{"eval.interval", "3"}, {"eval.rouge_examples", "0"}});
  Observed observed(run);
  for (int64_t steps = 0; steps < 8; ++steps) observed.evaluate(steps);
  observed.evaluate(8, Boundary::kFinished);
  std::vector<int64_t> iters;
  for (const Record& record : run.records("eval")) {
    iters.push_back(record["iter"]);
    EXPECT_TRUE(record["rouge1"].is_null());
    EXPECT_EQ(record["num_examples"], 3);
  }
  EXPECT_EQ(iters, (std::vector<int64_t>{0, 3, 6, 8}));
}

TEST(CheckpointObserver, SavesAtItsIntervalAndOnceAtTheEnd) {
  SmallRun run(Settings{{"checkpoint.interval", "3"}});
  Observed observed(run);
  std::vector<int64_t> saved;
  const auto reached = [&](int64_t steps, Boundary boundary) {
    EXPECT_EQ(observed.checkpoints.reached(steps, boundary), boundary);
    observed.training.coordinator.finish_saves();
    if (!std::filesystem::exists(run.out("last.pt"))) return;
    const Progress progress = run.checkpoint("last.pt").progress;
    EXPECT_EQ(progress.iter, steps);
    EXPECT_EQ(progress.finished, boundary == Boundary::kFinished) << steps;
    saved.push_back(steps);
    std::filesystem::remove(run.out("last.pt"));
  };
  for (int64_t steps = 0; steps < 7; ++steps) reached(steps, Boundary::kGoingOn);
  reached(6, Boundary::kStopped);  // is on the disk already
  EXPECT_EQ(saved, (std::vector<int64_t>{3, 6}));
  reached(7, Boundary::kStopped);
  reached(8, Boundary::kFinished);
  reached(8, Boundary::kFinished);
  EXPECT_EQ(saved, (std::vector<int64_t>{3, 6, 7, 8}));
}

TEST(CheckpointObserver, SavesAgainWhereOnlyTheEndIsNews) {
  SmallRun run(Settings{{"checkpoint.interval", "8"}});
  Observed observed(run);
  observed.checkpoints.reached(8, Boundary::kGoingOn);
  observed.checkpoints.reached(8, Boundary::kFinished);
  observed.training.coordinator.finish_saves();
  EXPECT_TRUE(run.checkpoint("last.pt").progress.finished);
}

TEST(CheckpointObserver, WeightsThatAreNoNumbersAreNotSaved) {
  SmallRun run(Settings{{"checkpoint.interval", "3"}});
  Observed observed(run);
  observed.training.state.parameters.master()[5] = NAN;
  observed.checkpoints.reached(3, Boundary::kGoingOn);
  observed.training.coordinator.finish_saves();
  EXPECT_FALSE(std::filesystem::exists(run.out("last.pt")));
  observed.training.state.parameters.master()[5] = 0;
  observed.checkpoints.reached(6, Boundary::kGoingOn);
  observed.training.coordinator.finish_saves();
  EXPECT_EQ(run.checkpoint("last.pt").progress.iter, 6);
}

/// One start of the program, as far as training goes.
bool train(SmallRun& run, const Settings& settings) {
  run.load(settings);
  RunInputs read = run.read();
  const DeviceSetup setup = on_cpu();
  Coordinator coordinator(*run.config, true, run.log);
  coordinator.open(read.inputs, true);
  return train_stage({*run.config, setup, the_world(), coordinator}, read.inputs,
                     std::move(read.model));
}

std::vector<int64_t> iterations(const SmallRun& run, const std::string& kind) {
  std::vector<int64_t> found;
  for (const Record& record : run.records(kind)) found.push_back(record["iter"]);
  return found;
}

using Numbers = std::vector<int64_t>;

TEST(TrainStage, LastHoldsWhatTheEvaluationBeforeItFound) {
  SmallRun run;
  Settings settings = every_step("rouge1", 2);  // nothing is learnt in so few steps
  settings["report.log_interval"] = "1";
  EXPECT_TRUE(train(run, settings));
  const Progress last = run.checkpoint("last.pt").progress;
  EXPECT_EQ(last.iter, 2);
  EXPECT_EQ(last.evaluated_iter, 2);
  EXPECT_EQ(last.best_iter, 0);
  EXPECT_EQ(last.stale_evaluations, 2);
  EXPECT_TRUE(last.finished);
  EXPECT_EQ(run.checkpoint("ckpt.pt").progress.iter, 0);
  EXPECT_EQ(iterations(run, "eval"), (Numbers{0, 1, 2}));

  EXPECT_TRUE(train(run, settings)) << "it stays ended";
  EXPECT_EQ(iterations(run, "train"), (Numbers{0, 1}));
  settings["eval.early_stopping_patience"] = "4";  // more patience: on to the fourth
  EXPECT_TRUE(train(run, settings));
  EXPECT_EQ(iterations(run, "train"), (Numbers{0, 1, 2, 3}));
  EXPECT_EQ(iterations(run, "eval"), (Numbers{0, 1, 2, 3, 4})) << "step 2 is not evaluated again";
}

TEST(TrainStage, GoesOnWithoutASecondEvaluationOfTheSameStep) {
  SmallRun run;
  Settings settings = every_step("val_loss");
  settings["train.max_iters"] = "2";
  EXPECT_TRUE(train(run, settings));
  EXPECT_EQ(run.checkpoint("last.pt").progress.evaluated_iter, 2);
  settings["train.max_iters"] = "3";
  EXPECT_TRUE(train(run, settings));
  EXPECT_EQ(iterations(run, "eval"), (Numbers{0, 1, 2, 3}));
  EXPECT_TRUE(run.checkpoint("last.pt").progress.finished);
}

TEST(TrainStage, TakesTheMicroBatchSizeOfItsOwnKindOfDeviceAlone) {
  for (const auto& [device, tokens] :
       {std::pair{"CPU", 100}, std::pair{"", 100}, std::pair{"Tesla T4 with 15.8 GB", 2048}}) {
    SmallRun run;
    ModelFile model = run.read().model;
    model.progress.micro_batch_tokens = 100;
    model.progress.micro_batch_device = device;
    put_checkpoint(run, "last.pt", model, 1);
    EXPECT_TRUE(
        train(run, Settings{{"train.max_iters", "2"}, {"train.micro_batch_tokens", "auto"}}));
    EXPECT_EQ(run.records("train").at(0)["micro_batch_tokens"], tokens) << device;
    const Progress last = run.checkpoint("last.pt").progress;
    EXPECT_EQ(last.iter, 2);
    EXPECT_EQ(last.micro_batch_tokens, tokens);
    EXPECT_EQ(last.micro_batch_device, "CPU");
  }
}

Iteration iteration_of(int64_t number) {
  Iteration done;
  done.number = number;
  done.result.loss = 1.5;
  done.result.grad_norm = 0.25;
  done.counts.samples = 4;
  done.counts.tokens = 100 * (number + 1);
  done.counts.target_tokens = 30;
  done.learning_rate = 1e-3;
  done.seconds = 0.5 * static_cast<double>(number + 1);
  done.plan = 0xABC;
  return done;
}

TEST(RecordObserver, AveragesOverTheIterationsSinceTheLastRecord) {
  SmallRun run(Settings{{"report.log_interval", "3"}});
  SmallTraining training(run);
  RecordObserver observer({training.context, training.read.inputs, training.state});
  for (int64_t i = 0; i < 8; ++i) observer.stepped(iteration_of(i));
  EXPECT_EQ(iterations(run, "train"), (Numbers{0, 3, 6, 7})) << "and the last one";
  const Record record = run.records("train")[1];
  EXPECT_EQ(record["max_iters"], 8);
  EXPECT_EQ(record["loss"], 1.5);
  EXPECT_EQ(record["lr"], 1e-3);
  EXPECT_EQ(record["grad_norm"], 0.25);
  EXPECT_EQ(record["samples"], 4);
  EXPECT_EQ(record["tokens"], 400);
  EXPECT_EQ(record["target_tokens"], 30);
  const double seconds = 1.0 + 1.5 + 2.0;  // of iterations 1, 2 and 3
  EXPECT_DOUBLE_EQ(record["samples_per_s"], 12 / seconds);
  EXPECT_DOUBLE_EQ(record["tokens_per_s"], 900 / seconds);
  EXPECT_DOUBLE_EQ(record["step_ms"], 1000 * seconds / 3);
  EXPECT_DOUBLE_EQ(record["eta_seconds"], 4 * seconds / 3);
  EXPECT_EQ(record["plan"], digest_text(0xABC));
  EXPECT_EQ(record["micro_batch_tokens"], training.state.progress.micro_batch_tokens);
  EXPECT_GT(record["mfu"], 0.0);
  EXPECT_FALSE(record.contains("skipped") || record.contains("loss_scale"));
}

TEST(RecordObserver, SaysThatAStepWasSkipped) {
  SmallRun run(Settings{{"report.log_interval", "1"}});
  SmallTraining training(run);
  RecordObserver observer({training.context, training.read.inputs, training.state});
  Iteration done = iteration_of(0);
  done.result.outcome = LossScaler::Outcome::kNotFinite;
  done.result.loss_scale = 512;
  observer.stepped(done);
  const std::string log = read_file(run.out("train.log"));
  EXPECT_NE(
      log.find(
          "iteration 0 is skipped: a gradient does not fit into float16 with a loss scale of 512"),
      std::string::npos)
      << log;
  const Record record = run.records("train").at(0);
  EXPECT_EQ(record["skipped"], true);
  EXPECT_EQ(record["loss_scale"], 512);
}

}  // namespace
}  // namespace precis
