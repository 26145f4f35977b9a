// Parameters that are not trained: nothing is computed, kept or summed over ranks for them, and a
// checkpoint holds them all the same.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "lib/formats/pt_file.h"
#include "lib/run/training_state.h"
#include "lib/train/train_step.h"
#include "tests/formats/made_files.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;

/// One of each kind: the tied matrix, a linear layer's matrix and bias, a norm; and positions.
const std::vector<std::string> kFrozen{
    "transformer.wte.weight", "transformer.wpe.weight", "transformer.h.1.mlp.c_fc.weight",
    "transformer.h.2.attn.c_attn.bias", "transformer.h.0.ln_1.weight"};

World& the_world() {
  static World world;  // MPI starts once a process
  return world;
}

/// Sums nothing and counts what it was given.
class CountingCollectives : public Collectives {
 public:
  std::string name() const override { return "counting"; }
  at::Tensor allocate(int64_t numel, at::Device device) override {
    return at::zeros({numel}, at::TensorOptions(device).dtype(at::kFloat));
  }
  void start_all_reduce(const at::Tensor& part) override { summed += part.numel(); }
  void wait() override {}

  int64_t summed = 0;
};

ModelFile model_file(const std::vector<std::string>& frozen) {
  ModelFile file;
  file.where = "made up";
  file.shape = small_shape().clone();
  file.frozen = frozen;
  file.flat = busy_parameters(file.table());
  return file;
}

/// A training of a few steps over one batch.
struct Training {
  explicit Training(ModelFile start) : state(std::move(start), config(), setup, collectives) {}

  static TrainConfig config() {
    TrainConfig config;
    config.weight_decay = 0.1;  // which would move what got no gradient
    return config;
  }
  void run(int steps, double grad_clip = 1.0) {
    TrainStep step(
        {*state.model, state.parameters, state.optimizer, state.scaler, collectives, the_world()},
        grad_clip, /*bucket_megabytes=*/0.01);
    const std::vector<RaggedBatch> batches{batch_of(made_up_samples(*state.shape))};
    for (int i = 0; i < steps; ++i)
      step.run(batches,
               {{.target_tokens = batches[0].num_targets()}, 1e-2, /*dropout=*/0.1, false});
  }

  DeviceSetup setup;
  CountingCollectives collectives;
  TrainingState state;
};

int64_t numel_of(const ParameterTable& table, const std::vector<std::string>& names) {
  int64_t numel = 0;
  for (const std::string& name : names) numel += table.slots()[table.index(name)].numel;
  return numel;
}

TEST(Frozen, HasNoGradientNoMomentsAndNothingToSum) {
  Training frozen(model_file(kFrozen));
  const ParameterTable& table = frozen.state.parameters.table();
  const int64_t trained = table.numel() - numel_of(table, kFrozen);
  EXPECT_EQ(table.trainable_numel(), trained);
  EXPECT_EQ(frozen.state.parameters.gradient().numel(), trained);
  EXPECT_EQ(frozen.state.optimizer.exp_avg().numel(), trained);
  EXPECT_EQ(frozen.state.optimizer.exp_avg_sq().numel(), trained);
  frozen.run(2);
  EXPECT_EQ(frozen.collectives.summed, 2 * trained);
}

TEST(Frozen, StaysBitForBitAndTheOthersLearn) {
  Training training(model_file(kFrozen));
  const ParameterTable& table = training.state.parameters.table();
  const at::Tensor before = training.state.parameters.master().clone();
  training.run(3);
  const at::Tensor& after = training.state.parameters.master();
  for (const ParameterSlot& slot : table.slots())
    EXPECT_EQ(at::equal(table.view(before, slot), table.view(after, slot)), !slot.trainable)
        << slot.name;
}

TEST(Frozen, LeavesTheGradientsOfTheOthersAsTheyAre) {
  Training frozen(model_file(kFrozen)), all(model_file({}));
  frozen.run(1, /*grad_clip=*/0);  // a clip depends on all of them
  all.run(1, /*grad_clip=*/0);
  const ParameterTable &some = frozen.state.parameters.table(),
                       &every = all.state.parameters.table();
  for (size_t i = 0; i < some.slots().size(); ++i) {
    if (!some.slots()[i].trainable) continue;
    EXPECT_TRUE(at::equal(some.gradient_view(frozen.state.parameters.gradient(), some.slots()[i]),
                          every.gradient_view(all.state.parameters.gradient(), every.slots()[i])))
        << some.slots()[i].name;
  }
}

TEST(Frozen, CheckpointsAreWholeAndGoOnAsIfNothingHadHappened) {
  const TemporaryFolder folder;
  Training straight(model_file(kFrozen)), first(model_file(kFrozen));
  straight.run(5);
  first.run(2);
  write_pt(folder / "c.pt",
           checkpoint_value(first.state.checkpoint(2), Training::config(), 1e-2, ""));
  ModelFile read = read_checkpoint(folder / "c.pt");
  EXPECT_EQ(read.frozen, kFrozen);
  EXPECT_EQ(read.flat.numel(), small_shape().parameters().numel());
  ASSERT_TRUE(read.optimizer.has_value());
  Training second(std::move(read));
  second.run(3);
  EXPECT_TRUE(at::equal(second.state.parameters.master(), straight.state.parameters.master()));
  EXPECT_TRUE(at::equal(second.state.optimizer.exp_avg(), straight.state.optimizer.exp_avg()));
}

TEST(Frozen, OneThatThereIsNotIsRefused) {
  const std::vector<std::string> names{"transformer.h.9.ln_1.weight"};
  expect_words(error_of([&] { small_shape().parameters().with_frozen(names); }),
               {"transformer.h.9.ln_1.weight"});
}

TEST(Frozen, MayBeEverything) {
  std::vector<std::string> all;
  const ParameterTable table = small_shape().parameters();
  for (const ParameterSlot& slot : table.slots()) all.push_back(slot.name);
  Training training(model_file(all));
  const at::Tensor before = training.state.parameters.master().clone();
  training.run(2);
  EXPECT_TRUE(at::equal(before, training.state.parameters.master()));
  EXPECT_EQ(training.collectives.summed, 0);
}

}  // namespace
}  // namespace precis
