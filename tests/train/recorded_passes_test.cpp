// A training whose micro-batches are recorded is the same training. Here the kernels of GPUs are
// run by the executor, and a record is work that is called again.
#include "lib/train/recorded_passes.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lib/ops/route.h"
#include "lib/train/train_step.h"
#include "tests/support/executor.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;

World& the_world() {
  static World world;  // MPI starts once a process
  return world;
}

/// What graphs were asked to do.
struct Asked {
  int made = 0, alive = 0, records = 0, replays = 0, cuts = 0;
};

/// How a graph fails.
enum class Fails { kNever, kBeforeAll, kInsideACut, kForMemory };

[[noreturn]] void fail(Fails how) {
  if (how == Fails::kForMemory)
    throw c10::OutOfMemoryError({__func__, __FILE__, static_cast<uint32_t>(__LINE__)},
                                "CUDA out of memory. Tried to allocate 2.00 GiB.");
  throw std::runtime_error("operation not permitted when stream is capturing\nmore");
}

/// The CPU's graph, which tells what it does.
class ToldGraph : public DeviceGraph {
 public:
  ToldGraph(Asked& asked, Fails fails) : asked_(asked), fails_(fails) {
    ++asked_.made;
    ++asked_.alive;
  }
  ~ToldGraph() override { --asked_.alive; }
  void record(const std::function<void()>& work) override {
    ++asked_.records;
    if (fails_ == Fails::kBeforeAll || fails_ == Fails::kForMemory) fail(fails_);
    graph_->record(work);
  }
  void cut(std::function<void()> between) override {
    ++asked_.cuts;
    graph_->cut(std::move(between));
    if (fails_ == Fails::kInsideACut) fail(fails_);
  }
  void replay() override {
    ++asked_.replays;
    graph_->replay();
  }

 private:
  Asked& asked_;
  Fails fails_;
  std::unique_ptr<DeviceGraph> graph_ = make_device_graph(at::kCPU);
};

/// Those of a world of one, which tell what they are asked to sum.
class ToldCollectives : public Collectives {
 public:
  std::string name() const override { return "told"; }
  at::Tensor allocate(int64_t numel, at::Device device) override {
    return real_->allocate(numel, device);
  }
  void start_all_reduce(const at::Tensor& part) override {
    // What was computed by now, too: a sum that begins early is of other numbers.
    sums.emplace_back(part.storage_offset(), part.norm().item<double>());
    real_->start_all_reduce(part);
  }
  void wait() override { real_->wait(); }

  std::vector<std::pair<int64_t, double>> sums;

 private:
  std::unique_ptr<Collectives> real_ = make_collectives("local", the_world(), at::kCPU);
};

/// A small GPT in which the executor has little to do.
Gpt2Shape tiny_shape() {
  Gpt2Shape shape = small_shape();
  shape.n_layer = 2;
  shape.n_head = 1;
  shape.n_embd = 16;
  return shape;
}

/// A training of the tiny GPT on the device's side.
struct Training {
  explicit Training(bool is_recorded, Fails fails = Fails::kNever, size_t most = 32) {
    Recording recording;
    recording.most = most;
    recording.warn = [this](const std::string& line) { warnings.push_back(line); };
    if (is_recorded)
      recording.make_graph = [this, fails](at::Device) {
        return std::make_unique<ToldGraph>(asked, fails);
      };
    step = std::make_unique<TrainStep>(
        TrainStep::Parts{model, parameters, optimizer, scaler, collectives, the_world()}, 1.0,
        0.002, ProductSettings{}, std::move(recording));
  }
  StepResult run(const std::vector<RaggedBatch>& batches, double dropout = 0.2) {
    const ops::RouteGuard guard(ops::Route::kDevice);
    int64_t targets = 0;
    for (const RaggedBatch& batch : batches) targets += batch.num_targets();
    return step->run(batches, {{.target_tokens = targets}, 1e-2, dropout, false});
  }

  Executor executor;
  Gpt2Shape shape = tiny_shape();
  ParameterTable table = shape.parameters();
  ToldCollectives collectives;
  FlatParameters parameters{table, busy_parameters(table), at::kFloat, at::kCPU, collectives};
  AdamW optimizer{parameters, TrainConfig{}};
  LossScaler scaler{false};
  Gpt2Model model{shape, table, at::kCPU};
  Asked asked;
  std::vector<std::string> warnings;
  std::unique_ptr<TrainStep> step;
};

/// Samples of random tokens, of these lengths, with three targets each.
RaggedBatch batch_of_lengths(const std::vector<int>& lengths, uint64_t seed) {
  RandomStream random(seed);
  std::vector<MadeUpSample> samples;
  for (const int length : lengths) {
    MadeUpSample sample{{}, length - 3, seed * 100 + samples.size()};
    for (int i = 0; i < length; ++i)
      sample.tokens.push_back(static_cast<int32_t>(random.below(97)));
    samples.push_back(std::move(sample));
  }
  const RaggedBatch batch = batch_of(samples);
  return padded(batch, shape_class(batch)).in_one_piece(/*pinned=*/false);
}

/// Two micro-batches of one class, which differ from step to step in lengths, tokens, targets and
/// keys.
std::vector<RaggedBatch> batches_of_step(int step) {
  const auto seed = static_cast<uint64_t>(step);
  std::vector<RaggedBatch> batches{batch_of_lengths({40 + step, 20, 9}, 2 * seed),
                                   batch_of_lengths({41, 15 + step, 12}, 2 * seed + 1)};
  EXPECT_EQ(shape_of(batches[0]), shape_of(batches[1]));
  EXPECT_EQ(shape_of(batches[0]), (BatchShape{72, 4, 16, 64}));
  return batches;
}

TEST(RecordedPasses, ATrainingIsTheSameBitForBit) {
  Training plain(false), recorded(true);
  for (int step = 0; step < 5; ++step) {
    const std::vector<RaggedBatch> batches = batches_of_step(step);
    const StepResult a = plain.run(batches), b = recorded.run(batches);
    EXPECT_EQ(a.loss, b.loss);
    EXPECT_EQ(a.grad_norm, b.grad_norm);
    EXPECT_TRUE(at::equal(plain.parameters.master(), recorded.parameters.master())) << step;
  }
  EXPECT_EQ(plain.collectives.sums, recorded.collectives.sums);
  EXPECT_GT(plain.collectives.sums.size(), 5U * 5U);
  EXPECT_EQ(plain.asked.made, 0);
  EXPECT_EQ(recorded.asked.records, 2);  // the last micro-batch tells, the others do not
  EXPECT_EQ(recorded.asked.replays, 3 * 2);
  EXPECT_EQ(recorded.asked.cuts, 4 * (recorded.shape.n_layer + 2)) << "none in the other record";
  EXPECT_TRUE(recorded.warnings.empty());
}

TEST(RecordedPasses, TheGradientsScaleIsThatOfTheStep) {
  Training plain(false), recorded(true);
  std::vector<RaggedBatch> batches = batches_of_step(0);
  for (const int64_t targets : {18, 18, 36}) {
    const StepInput input{{.target_tokens = targets}, 1e-2, 0.0, false};
    const ops::RouteGuard guard(ops::Route::kDevice);
    EXPECT_EQ(plain.step->run(batches, input).grad_norm,
              recorded.step->run(batches, input).grad_norm);
  }
  EXPECT_EQ(recorded.asked.replays, 2);
}

TEST(RecordedPasses, AnotherDropoutIsAnotherRecord) {
  Training plain(false), recorded(true);
  for (const double dropout : {0.2, 0.2, 0.1, 0.0, 0.1})
    EXPECT_EQ(plain.run(batches_of_step(1), dropout).loss,
              recorded.run(batches_of_step(1), dropout).loss);
  EXPECT_EQ(recorded.asked.alive, 4);
  EXPECT_EQ(recorded.asked.replays, 0);
}

TEST(RecordedPasses, TheKindThatWasNotSeenForLongestLeaves) {
  Training training(true, Fails::kNever, 2);
  const std::vector<RaggedBatch> a{batch_of_lengths({40}, 1)}, b{batch_of_lengths({90}, 2)},
      c{batch_of_lengths({140}, 3)};
  for (const auto* batches : {&c, &c, &b, &b, &c}) training.run(*batches);
  EXPECT_EQ(training.asked.alive, 2);
  EXPECT_EQ(training.asked.replays, 1);
  training.run(a);  // for b
  EXPECT_EQ(training.asked.alive, 1);
  training.run(c);
  EXPECT_EQ(training.asked.replays, 2);
  training.run(b);  // for a, and seen for the first time
  EXPECT_EQ(training.asked.records, 2);
  training.run(b);
  EXPECT_EQ(training.asked.records, 3);
}

TEST(RecordedPasses, NoRecordOutlivesTheScratchMemoryThatItUses) {
  Training plain(false), recorded(true);
  const std::vector<RaggedBatch> small{batch_of_lengths({40}, 1)},
      large{batch_of_lengths({150, 150, 150}, 2)};
  const auto run = [&](const std::vector<RaggedBatch>& batches) {
    EXPECT_EQ(plain.run(batches).loss, recorded.run(batches).loss);
  };
  for (int i = 0; i < 3; ++i) run(small);
  EXPECT_EQ(recorded.asked.replays, 1);
  run(large);
  EXPECT_EQ(recorded.asked.alive, 1);
  run(small);
  EXPECT_EQ(recorded.asked.replays, 1) << "it has moved";
  EXPECT_EQ(recorded.asked.records, 2);
  run(large);
  run(large);
  run(small);
  EXPECT_EQ(recorded.asked.replays, 3);
  EXPECT_TRUE(at::equal(plain.parameters.master(), recorded.parameters.master()));
}

TEST(RecordedPasses, TheRunGoesOnWhereNothingCanBeRecorded) {
  Training plain(false), recorded(true, Fails::kBeforeAll);
  for (int step = 0; step < 4; ++step) {
    plain.run(batches_of_step(step));
    recorded.run(batches_of_step(step));
  }
  EXPECT_TRUE(at::equal(plain.parameters.master(), recorded.parameters.master()));
  EXPECT_EQ(recorded.asked.made, 1);
  ASSERT_EQ(recorded.warnings.size(), 1U);
  EXPECT_NE(recorded.warnings[0].find("(operation not permitted when stream is capturing)"),
            std::string::npos)
      << recorded.warnings[0];
}

TEST(RecordedPasses, MemoryThatRunsOutIsTreatedAsAlways) {
  Training training(true, Fails::kForMemory);
  training.run(batches_of_step(0));
  const at::Tensor before = training.parameters.master().clone();
  try {
    training.run(batches_of_step(1));
    FAIL() << "it went on";
  } catch (const OutOfMemory& shortage) {
    EXPECT_EQ(shortage.need().largest, batches_of_step(1)[0].num_tokens());
    EXPECT_EQ(shortage.need().alone, 0);
  }
  EXPECT_EQ(training.asked.alive, 0);
  EXPECT_TRUE(training.warnings.empty());
  EXPECT_TRUE(at::equal(training.parameters.master(), before));
  training.run(batches_of_step(1));  // seen for the first time again
  EXPECT_EQ(training.asked.made, 1);
}

TEST(RecordedPasses, WhatFailsWhenOthersWereToldIsNotDoneTwice) {
  Training training(true, Fails::kInsideACut);
  training.run(batches_of_step(0));
  EXPECT_THROW(training.run(batches_of_step(1)), std::runtime_error);
  EXPECT_TRUE(training.warnings.empty());
}

TEST(RecordedPasses, WhatAsksTheHostIsNotRecorded) {
  Training training(true);
  const StepInput input{{.target_tokens = 18}, 1e-2, 0.1, false};
  const ops::RouteGuard guard(ops::Route::kComposed);
  for (int i = 0; i < 3; ++i) training.step->run(batches_of_step(0), input);
  EXPECT_EQ(training.asked.made, 1);
  ASSERT_EQ(training.warnings.size(), 1U);
  EXPECT_NE(training.warnings[0].find("asks the host"), std::string::npos);
}

TEST(RecordedPasses, BatchesInManyPiecesAreRunAsTheyCome) {
  Training training(true);
  for (int i = 0; i < 3; ++i) training.run({batch_of(made_up_samples(training.shape))});
  EXPECT_EQ(training.asked.made, 0);
}

}  // namespace
}  // namespace precis
