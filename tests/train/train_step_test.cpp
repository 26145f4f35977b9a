// The optimizer and the step as a whole.
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <chrono>

#include "lib/base/profile.h"
#include "lib/train/train_loop.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;

/// All parts of a training in a world of one.
struct Training {
  explicit Training(double clip = 0) {
    parts = std::make_unique<TrainStep>(
        TrainStep::Parts{model, parameters, optimizer, scaler, *collectives, world}, clip, 0.01);
  }
  static World& the_world() {
    static World world;  // MPI starts once a process
    return world;
  }

  World& world = the_world();
  Gpt2Shape shape = small_shape();
  ParameterTable table = shape.parameters();
  TrainConfig config = [] {
    TrainConfig c;
    c.weight_decay = 0.1;
    c.beta2 = 0.99;
    return c;
  }();
  std::unique_ptr<Collectives> collectives = make_collectives("local", world, at::kCPU);
  FlatParameters parameters{table, busy_parameters(table), at::kFloat, at::kCPU, *collectives};
  AdamW optimizer{parameters, config};
  LossScaler scaler{false};
  Gpt2Model model{shape, table, at::kCPU};
  std::unique_ptr<TrainStep> parts;
};

TEST(AdamW, IsTheFormulaWithDecayOnMatricesOnly) {
  Training t;
  RandomStream random(1);
  at::Tensor reference = t.parameters.master().to(at::kDouble), m = at::zeros_like(reference),
             v = at::zeros_like(reference);
  at::Tensor decay = at::zeros_like(reference);
  int vectors = 0;
  for (const ParameterSlot& slot : t.table.slots()) {
    decay.narrow(0, slot.offset, slot.numel).fill_(slot.decay ? 0.1 : 0.0);
    vectors += slot.decay ? 0 : 1;
  }
  EXPECT_GT(vectors, 10);
  constexpr double kRate = 1e-2, kBeta1 = 0.9, kBeta2 = 0.99, kDivisor = 4;
  for (int step = 1; step <= 3; ++step) {
    for (int64_t i = 0; i < t.table.numel(); ++i)
      t.parameters.gradient().data_ptr<float>()[i] = static_cast<float>(random.normal());
    const at::Tensor g = t.parameters.gradient().to(at::kDouble) / kDivisor;
    t.optimizer.step(kRate, kDivisor);
    reference.mul_(1 - kRate * decay);
    m = kBeta1 * m + (1 - kBeta1) * g;
    v = kBeta2 * v + (1 - kBeta2) * g * g;
    reference -= kRate * (m / (1 - std::pow(kBeta1, step))) /
                 ((v / (1 - std::pow(kBeta2, step))).sqrt() + 1e-8);
  }
  EXPECT_TRUE(at::allclose(t.parameters.master().to(at::kDouble), reference, 1e-5, 1e-6));
}

TEST(TrainStep, LossIsPerTargetTokenAndTheModelLearns) {
  Training t;
  const auto samples = made_up_samples(t.shape);
  const std::vector<RaggedBatch> batches{batch_of(std::span(samples).first(2)),
                                         batch_of(std::span(samples).subspan(2))};
  const int64_t targets = batches[0].num_targets() + batches[1].num_targets();
  const double before = run_batches(t.shape, t.parameters.weights(), batches, 0, 1).loss /
                        static_cast<double>(targets);
  double last = 0;
  for (int i = 0; i < 12; ++i) {
    const StepResult result =
        t.parts->run(batches, {{.target_tokens = targets}, 1e-2, 0.0, i == 11});
    if (i == 0) EXPECT_NEAR(result.loss, before, 1e-5 * before);
    EXPECT_EQ(result.stop, i == 11);
    last = result.loss;
  }
  EXPECT_LT(last, before - 1.0);
}

TEST(TrainStep, GradientNormIsThatBeforeClipping) {
  Training free(0), clipped(1e-3);
  const std::vector<RaggedBatch> batches{batch_of(made_up_samples(free.shape))};
  const StepInput input{{.target_tokens = batches[0].num_targets()}, 1e-2, 0.0, false};
  const StepResult a = free.parts->run(batches, input), b = clipped.parts->run(batches, input);
  EXPECT_GT(a.grad_norm, 0.01);
  EXPECT_NEAR(a.grad_norm, b.grad_norm, 1e-6 * a.grad_norm);
  EXPECT_FALSE(at::equal(free.parameters.master(), clipped.parameters.master()));
}

/// How often loss or norm went to the host, as on a GPU it would wait for: they alone are float64.
struct HostReads {
  HostReads()
      : handle(at::addThreadLocalCallback(at::RecordFunctionCallback(note).needsInputs(true).scopes(
            {at::RecordScope::FUNCTION}))) {
    scalars = copies = 0;
  }
  ~HostReads() { at::removeCallback(handle); }
  static std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& function) {
    const std::string_view name = function.name();
    if (name != "aten::_local_scalar_dense" && name != "aten::copy_") return nullptr;
    if (function.inputs()[0].toTensor().scalar_type() == at::kDouble)
      ++(name == "aten::copy_" ? copies : scalars);
    return nullptr;
  }
  static inline int scalars = 0, copies = 0;
  at::CallbackHandle handle;
};

TEST(TrainStep, TheHostReadsTheDeviceOnceAnIteration) {
  Training t(1.0);
  const auto samples = made_up_samples(t.shape);
  const std::vector<RaggedBatch> batches{batch_of(std::span(samples).first(2)),
                                         batch_of(std::span(samples).subspan(2))};
  const StepInput input{{.target_tokens = 92}, 1e-2, 0.1, false};
  t.parts->run(batches, input);
  const HostReads reads;
  t.parts->run(batches, input);
  EXPECT_EQ(reads.scalars, 0);
  EXPECT_EQ(reads.copies, 1);
}

TEST(TrainStep, TellsAProfileItsPartsAndTheProductsThatItsCostNames) {
  Training t(1.0);
  const std::vector<RaggedBatch> batches{batch_of(made_up_samples(t.shape))};
  const StepInput input{{.target_tokens = batches[0].num_targets()}, 1e-2, 0.1, false};
  Profile profile;
  t.parts->run(batches, input);
  const auto began = std::chrono::steady_clock::now();
  {
    const ProfileGuard guard(profile);
    t.parts->run(batches, input);
  }
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - began;
  double parts = 0, operations = 0, wanted = 0;
  for (size_t part = 0; part < kNumParts; ++part) parts += profile.seconds(static_cast<Part>(part));
  EXPECT_LE(parts, whole.count());
  EXPECT_GT(parts, 0.5 * whole.count());
  for (const auto& [form, times] : profile.products())
    operations += form.operations() * static_cast<double>(times);
  for (const OperationCount& count : t.shape.operation_counts(
           {batches[0].num_samples(), batches[0].num_tokens(), batches[0].num_targets()}, 4))
    if (count.operation == "linear layers" || count.operation == "head") wanted += count.operations;
  EXPECT_EQ(operations, wanted);
}

StepResult step_once(Training& t) {
  const std::vector<RaggedBatch> batches{batch_of(made_up_samples(t.shape))};
  return t.parts->run(batches, {{.target_tokens = batches[0].num_targets()}, 1e-2, 0.0, false});
}

TEST(TrainStep, AStepWhoseNumbersAreNoneIsSkippedAndNamesTheParameter) {
  Training t;
  t.parameters.master()[3] = NAN;
  t.parameters.refresh();
  const at::Tensor before = t.parameters.master().clone();
  for (int i = 1; i <= 2; ++i) {
    const StepResult result = step_once(t);
    EXPECT_EQ(result.outcome, LossScaler::Outcome::kNotFinite);
    EXPECT_EQ(result.skipped_steps, i);
    EXPECT_EQ(result.first_not_finite, t.table.slots()[0].name);
  }
  EXPECT_EQ(t.optimizer.steps(), 0);
  EXPECT_TRUE(t.parameters.master().nan_to_num().equal(before.nan_to_num()));
  EXPECT_EQ(t.optimizer.exp_avg().abs().sum().item<float>(), 0);
}

TEST(TrainStep, AStepWithALargeGradientIsSkippedIfOneAsksForIt) {
  Training t;
  const at::Tensor before = t.parameters.master().clone();
  const TrainStep::Parts parts{t.model,  t.parameters,   t.optimizer,
                               t.scaler, *t.collectives, t.world};
  const double norm = step_once(t).grad_norm;  // is taken: the limit is off
  EXPECT_FALSE(t.parameters.master().equal(before));
  const at::Tensor after = t.parameters.master().clone();
  ASSERT_GT(norm, 0.1);
  t.parts = std::make_unique<TrainStep>(parts, GradientLimits(0, norm / 10), 0.01);
  const StepResult skipped = step_once(t);
  EXPECT_EQ(skipped.outcome, LossScaler::Outcome::kOutlier);
  EXPECT_EQ(skipped.skipped_steps, 1);
  EXPECT_EQ(skipped.first_not_finite, "");
  EXPECT_TRUE(t.parameters.master().equal(after));
  t.parts = std::make_unique<TrainStep>(parts, GradientLimits(0, norm * 10), 0.01);
  EXPECT_FALSE(step_once(t).skipped());
  EXPECT_FALSE(t.parameters.master().equal(after));
}

}  // namespace
}  // namespace precis
