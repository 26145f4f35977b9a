// Iterations over a device that may have too little memory.
#include "lib/train/train_loop.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <utility>

#include "lib/ops/measuring.h"
#include "lib/train/tf32.h"
#include "tests/support/tight_bigram.h"

namespace precis {
namespace {

using namespace testing;

World& the_world() {
  static World world;  // MPI starts once a process
  return world;
}

/// Six samples of 2 to 12 input tokens.
DialogueDataset made_up_data() {
  std::vector<EncodedExample> samples;
  for (int32_t length = 3; length <= 13; length += 2)
    samples.push_back({std::vector<int32_t>(static_cast<size_t>(length), length), 1});
  return DialogueDataset(std::move(samples));
}

/// A training that may be run once.
struct Training {
  explicit Training(bool try_out) {
    shape.block_size = shape.vocab_size = 16;
    config.max_iters = 4;
    config.global_batch_size = 5;
    config.learning_rate = 0.1;
    settings.micro_batch_tokens = 20;
    settings.try_out = try_out;
  }
  Boundary run(int64_t start = 0) {
    TightBigramModel model(table(), at::kCPU, room);
    TrainStep step({model, parameters, optimizer, scaler, *collectives, the_world()}, 1.0, 16);
    const EpochPlan plan(data.size(), config.global_batch_size, 1);
    TrainLoop loop({step, data, plan, the_world(), at::kCPU}, config, settings);
    try {
      const Boundary end = loop.run(start, {});
      steps = loop.steps();
      return end;
    } catch (...) {
      steps = loop.steps();
      throw;
    }
  }
  ParameterTable table() {
    shape.block_size = shape.vocab_size = 16;
    return shape.parameters();
  }

  BigramShape shape;
  TrainConfig config;
  TrainLoop::Settings settings;
  Room room;
  DialogueDataset data = made_up_data();
  std::unique_ptr<Collectives> collectives = make_collectives("local", the_world(), at::kCPU);
  FlatParameters parameters{table(), initial_parameters(table(), 1), at::kFloat, at::kCPU,
                            *collectives};
  AdamW optimizer{parameters, config};
  LossScaler scaler{false};
  int64_t steps = -1;
};

TEST(TrainLoop, TryingOutAMicroBatchChangesNoNumber) {
  Training plain(false), tried(true);
  EXPECT_EQ(plain.run(), Boundary::kFinished);
  EXPECT_EQ(tried.run(), Boundary::kFinished);
  EXPECT_TRUE(plain.parameters.master().equal(tried.parameters.master()));
  EXPECT_EQ(plain.steps, 4);
  EXPECT_EQ(tried.room.micro_batches, plain.room.micro_batches + 1);
  EXPECT_EQ(tried.room.steps, plain.room.steps) << "none of its gradients were sent";
}

TEST(TrainLoop, ASizeThatDoesNotFitIsFoundBeforeTheFirstStep) {
  Training training(true);
  training.settings.micro_batch_tokens = 24;
  training.room.tokens = 21;
  const at::Tensor before = training.parameters.master().clone();
  try {
    training.run();
    FAIL() << "it fitted";
  } catch (const OutOfMemory& error) {
    EXPECT_EQ(error.need().largest, 22);
    EXPECT_EQ(error.need().alone, 0);
    EXPECT_EQ(error.code(), ExitCode::kDevice);
  }
  EXPECT_EQ(training.steps, 0);
  EXPECT_EQ(training.room.steps, 0);
  EXPECT_TRUE(training.parameters.master().equal(before));
}

TEST(TrainLoop, NothingIsTriedOutWhereNothingIsLeftToDo) {
  Training training(true);
  training.room.tokens = 1;
  EXPECT_EQ(training.run(4), Boundary::kFinished);
}

TEST(TrainLoop, AStepWithoutMemoryCanBeDoneAgain) {
  Training plain(false), tight(false);
  plain.settings.micro_batch_tokens = tight.settings.micro_batch_tokens = 1000;
  plain.run();
  tight.room.tokens = 1;
  tight.room.roomy_steps = 2;
  EXPECT_THROW(tight.run(), OutOfMemory);
  EXPECT_EQ(tight.steps, 2);
  EXPECT_EQ(tight.optimizer.steps(), 2);
  tight.room.tokens = 1000;
  EXPECT_EQ(tight.run(tight.steps), Boundary::kFinished);
  EXPECT_TRUE(plain.parameters.master().equal(tight.parameters.master()));
}

TEST(TrainStep, ARankWithoutMemoryForItsMicroBatchesSaysSo) {
  Training training(false);
  BigramModel model(training.table(), at::kCPU);
  TrainStep step({model, training.parameters, training.optimizer, training.scaler,
                  *training.collectives, the_world()},
                 1.0, 16);
  const at::Tensor before = training.parameters.master().clone();
  StepInput input{{.target_tokens = 4}, 0.1, 0, false};
  input.out_of_memory = true;
  EXPECT_THROW(step.run({}, input), OutOfMemory);
  EXPECT_EQ(training.optimizer.steps(), 0);
  EXPECT_TRUE(training.parameters.master().equal(before));
}

/// Says whether TF32, and measuring, was allowed when it was run.
class WatchingModel : public BigramModel {
 public:
  using BigramModel::BigramModel;
  at::Tensor train(const RaggedBatch& batch, const Weights& weights, const Gradients& gradients,
                   const TrainPass& pass) override {
    in_training = is_tf32_allowed();
    measured_in_training = ops::is_measuring();
    return BigramModel::train(batch, weights, gradients, pass);
  }
  at::Tensor loss(const RaggedBatch& batch, const Weights& weights) override {
    in_evaluation = is_tf32_allowed();
    measured_in_evaluation = ops::is_measuring();
    return BigramModel::loss(batch, weights);
  }
  bool in_training = false, in_evaluation = false;
  bool measured_in_training = false, measured_in_evaluation = false;
};

TEST(Tf32, IsAllowedInTrainingStepsAloneAndSoIsMeasuring) {
  for (const auto& [wanted, measured] :
       {std::pair{true, false}, std::pair{false, true}, std::pair{false, false}}) {
    Training training(false);
    WatchingModel model(training.table(), at::kCPU);
    TrainStep step({model, training.parameters, training.optimizer, training.scaler,
                    *training.collectives, the_world()},
                   1.0, 16, {.tf32 = wanted, .measure = measured});
    const std::vector<int32_t> tokens{1, 2, 3};
    const std::vector<RaggedSample> rows{{tokens, 1, 7}};
    const std::vector<RaggedBatch> batches{make_ragged_batch(rows, true)};
    step.run(batches, {{.target_tokens = 2}, 0.1, 0, false});
    model.loss(batches[0], training.parameters.weights());
    EXPECT_EQ(model.in_training, wanted);
    EXPECT_FALSE(model.in_evaluation);
    EXPECT_EQ(model.measured_in_training, measured);
    EXPECT_FALSE(model.measured_in_evaluation);
  }
}

TEST(Tf32, IsForbiddenAgainWhenAStepFails) {
  try {
    const Tf32Scope scope(true);
    EXPECT_TRUE(is_tf32_allowed());
    throw DeviceError("a cable is gone");
  } catch (const DeviceError&) {
    EXPECT_FALSE(is_tf32_allowed());
  }
}

/// What training ends in.
std::string end_of(Training& training, int64_t start) {
  try {
    training.run(start);
  } catch (const SharedError& error) {
    EXPECT_EQ(error.code(), ExitCode::kOther);
    return error.what();
  }
  return "";
}

TEST(TrainLoop, StepsThatAreSkippedInARowEndIt) {
  Training training(false);
  training.config.max_skipped_steps = 3;
  training.parameters.master().fill_(NAN);
  const std::string words = end_of(training, 0);
  for (const char* part :
       {"iteration 2 is skipped: the loss is nan", "first in backward", "over the samples ",
        "the 3. in a row", "train.max_skipped_steps", "train.learning_rate"})
    EXPECT_NE(words.find(part), std::string::npos) << part << " is not in: " << words;
  EXPECT_EQ(training.steps, 3);

  Training resumed(false);  // where the checkpoint counted two of them
  resumed.config.max_skipped_steps = 3;
  resumed.parameters.master().fill_(NAN);
  resumed.scaler.restore(0, 0, 2);
  EXPECT_NE(end_of(resumed, 2), "");
  EXPECT_EQ(resumed.steps, 3);
}

TEST(TrainLoop, AFewSkippedStepsDoNot) {
  Training training(false);
  training.config.max_skipped_steps = 5;  // more than there are iterations
  training.parameters.master().fill_(NAN);
  EXPECT_EQ(end_of(training, 0), "");
  EXPECT_EQ(training.scaler.skipped_steps(), 4);
}

}  // namespace
}  // namespace precis
