#include "lib/programs/bench_train.h"

#include <cmath>
#include <utility>

#include "lib/comm/collectives.h"
#include "lib/data/micro_batches.h"
#include "lib/programs/bench_common.h"
#include "lib/programs/step_profile.h"
#include "lib/run/micro_batch_size.h"
#include "lib/run/recording.h"
#include "lib/train/train_step.h"

namespace precis {
namespace {

using Json = nlohmann::ordered_json;

/// What the made-up samples are to training: the last tokens of each are targets.
DialogueDataset made_up_data(const BenchSettings& s) {
  std::vector<EncodedExample> encoded;
  for (auto& tokens : made_up_samples(s)) {
    const auto prompt = static_cast<int32_t>(static_cast<int64_t>(tokens.size()) - s.target_tokens);
    encoded.push_back({std::move(tokens), prompt});
  }
  return DialogueDataset(std::move(encoded));
}

/// One optimizer step of the made-up samples, cut as the trainer would.
struct MadeUpStep {
  int64_t budget;  // input tokens of a micro-batch
  StepPlan plan;
  std::vector<RaggedBatch> batches;  // of this rank
};

MadeUpStep made_up_step(const World& world, const DeviceSetup& setup, const BenchSettings& s,
                        const ModelShape& shape) {
  const int64_t budget =
      s.micro_batch_tokens > 0 ? s.micro_batch_tokens : automatic_micro_batch_tokens(setup, shape);
  const DialogueDataset data = made_up_data(s);
  const EpochPlan epochs(data.size(), s.samples, /*seed=*/1);
  StepPlan plan = plan_step(epochs.step(0), data, budget, world.size(),
                            shape.cost(setup.element_size()).target_token);
  std::vector<RaggedBatch> batches =
      make_micro_batches(plan, data, world.rank(), /*seed=*/1, setup.device);
  return {budget, std::move(plan), std::move(batches)};
}

/// A training that does the same step again and again.
class MadeUpTraining {
 public:
  MadeUpTraining(World& world, const DeviceSetup& setup, const BenchSettings& s)
      : shape_(shape_of(s)),
        table_(shape_->parameters()),
        collectives_(make_collectives(setup.plan.backend, world, setup.device)),
        parameters_(table_, initial_parameters(table_, 1), setup.dtype, setup.device,
                    *collectives_),
        optimizer_(parameters_, TrainConfig{}),
        scaler_(setup.dtype == at::kHalf),
        model_(shape_->make_model(table_, setup.device)),
        log_(world.is_root()),
        train_step_({*model_, parameters_, optimizer_, scaler_, *collectives_, world}, 1.0, 16,
                    {.tf32 = setup.tf32, .measure = true},
                    s.cuda_graphs ? recording_on(setup.device, log_) : Recording{}),
        step_(made_up_step(world, setup, s, *shape_)),
        cost_(shape_->cost(setup.element_size())) {}

  void run() { train_step_.run(step_.batches, {step_.plan.counts, 1e-4, kBenchDropout, false}); }
  /// Of a step, all ranks together.
  double operations() const { return training_operations(cost_, step_.plan.counts); }
  Json rates(double seconds) const {
    return {{"samples_per_s", static_cast<double>(step_.plan.counts.samples) / seconds},
            {"tokens_per_s", static_cast<double>(step_.plan.counts.tokens) / seconds},
            {"step_ms", seconds * 1e3},
            {"micro_batch_tokens", step_.budget}};
  }

 private:
  AnyShape shape_;
  ParameterTable table_;
  std::unique_ptr<Collectives> collectives_;
  FlatParameters parameters_;
  AdamW optimizer_;
  LossScaler scaler_;
  std::unique_ptr<LanguageModel> model_;
  Log log_;
  TrainStep train_step_;
  MadeUpStep step_;
  ModelCost cost_;
};

/// What is measured of the steps themselves: on a GPU their time alone, as the host is far ahead of
/// what it starts there.
Json measured_step(World& world, const DeviceSetup& setup, const BenchSettings& s) {
  if (!setup.device.is_cpu()) return bench_train(world, setup, s);
  MadeUpTraining training(world, setup, s);
  training.run();
  StepProfile profile(world, setup);
  std::vector<double> seconds;
  for (int64_t i = 0; i < s.repeats; ++i) seconds.push_back(profile.run([&] { training.run(); }));
  Json result = training.rates(median(std::move(seconds)));
  result.update(profile.result(training.operations()));
  return result;
}

}  // namespace

Json bench_train(World& world, const DeviceSetup& setup, const BenchSettings& s) {
  MadeUpTraining training(world, setup, s);
  return training.rates(median_seconds(s.repeats, [&] { training.run(); }));
}

Json bench_step(World& world, const DeviceSetup& setup, const BenchSettings& s) {
  const AnyShape shape = shape_of(s);
  const MadeUpStep step = made_up_step(world, setup, s, *shape);
  std::vector<OperationCount> totals;
  for (const RaggedBatch& batch : step.batches) {
    const std::vector<OperationCount> counts = shape->operation_counts(
        {batch.num_samples(), batch.num_tokens(), batch.num_targets()}, setup.element_size());
    totals.resize(counts.size());
    for (size_t i = 0; i < counts.size(); ++i) {
      totals[i].operation = counts[i].operation;
      totals[i].launches += counts[i].launches;
      totals[i].bytes += counts[i].bytes;
      totals[i].operations += counts[i].operations;
    }
  }
  Json result = s.count ? Json::object() : measured_step(world, setup, s);
  result["micro_batches"] = step.batches.size();
  int64_t launches = 0;
  for (const OperationCount& total : totals) {
    launches += total.launches;
    result["operations"][total.operation] = {{"launches", total.launches},
                                             {"megabytes", std::round(total.bytes * 1e-6)},
                                             {"gflop", std::round(total.operations * 1e-9)}};
  }
  result["launches"] = launches;
  return result;
}

}  // namespace precis
