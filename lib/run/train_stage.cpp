#include "lib/run/train_stage.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/run/banner.h"
#include "lib/run/best_checkpoint.h"
#include "lib/run/checkpoint_observer.h"
#include "lib/run/evaluation_observer.h"
#include "lib/run/micro_batch_size.h"
#include "lib/run/record_observer.h"
#include "lib/run/stop_signal.h"
#include "lib/run/training_state.h"

namespace precis {
namespace {

/// `read`: where the model that was read says how far it is.
int64_t choose_micro_batch_tokens(const RunContext& context, const Inputs& inputs,
                                  const Progress& read) {
  if (const auto fixed = context.config.train.micro_batch_tokens.count) return *fixed;
  if (inputs.resumed && read.micro_batch_tokens > 0) return read.micro_batch_tokens;
  // All ranks must cut alike: the least of what they would choose.
  int64_t least = automatic_micro_batch_tokens(context.setup, *inputs.shape);
  for (const std::string& theirs : context.world.all_gather(std::to_string(least)))
    least = std::min<int64_t>(least, std::stoll(theirs));
  return least;
}

bool is_done(const RunConfig& config, const Progress& progress) {
  return progress.finished && (progress.iter >= config.train.max_iters ||
                               is_patience_over(progress, config.eval.early_stopping_patience));
}

struct Datasets {
  std::unique_ptr<DialogueDataset> train, validation;
};

/// Collective. Both sides of the split, encoded.
Datasets encode(const RunContext& context, const Inputs& inputs) {
  Datasets sets;
  context.world.together([&] {
    const int64_t block = inputs.shape->block_size;
    sets.train = std::make_unique<DialogueDataset>(inputs.split.train, *inputs.prompt, block,
                                                   context.config.data.overlong == "drop");
    sets.validation =
        std::make_unique<DialogueDataset>(inputs.split.validation, *inputs.prompt, block, false);
    if (sets.train->size() == 0)
      throw DataError("no training sample fits into data.block_size: make it larger");
    if (sets.validation->size() == 0)
      throw DataError("no validation sample fits into data.block_size: make it larger");
  });
  return sets;
}

}  // namespace

bool train_stage(const RunContext& context, const Inputs& inputs, ModelFile start) {
  const RunConfig& config = context.config;
  World& world = context.world;
  if (inputs.resumed && is_done(config, start.progress)) {
    context.coordinator.log().info(
        fmt::format("training is done: {} iterations", start.progress.iter));
    return true;
  }
  const auto [data, validation] = encode(context, inputs);
  start.progress.micro_batch_tokens = choose_micro_batch_tokens(context, inputs, start.progress);
  print_banner(context, inputs, *data, start.progress.micro_batch_tokens);

  const auto collectives =
      make_collectives(context.setup.plan.backend, world, context.setup.device);
  TrainingState state(std::move(start), config.train, context.setup, *collectives);
  TrainStep step(
      {*state.model, state.parameters, state.optimizer, state.scaler, *collectives, world},
      config.train.grad_clip, config.comm.bucket_megabytes);
  const EpochPlan plan(data->size(), config.train.global_batch_size,
                       static_cast<uint64_t>(config.run.seed));
  TrainLoop loop({step, *data, plan, world, context.setup.device}, config.train,
                 {.micro_batch_tokens = state.progress.micro_batch_tokens,
                  .dropout = config.model.dropout,
                  .target_cost = state.shape->cost(context.setup.element_size()).target_token,
                  .seed = static_cast<uint64_t>(config.run.seed),
                  .stop_requested = stop_was_requested});
  const TrainingParts parts{context, inputs, state};
  RecordObserver records(parts);
  EvaluationObserver evaluations(parts, *validation);
  CheckpointObserver checkpoints(parts, inputs.resumed ? inputs.iter : -1);
  // In this order: last.pt holds what the evaluation before it found, and whether it ended the run.
  const Boundary end = loop.run(inputs.iter, {&records, &evaluations, &checkpoints});
  world.together([&] { context.coordinator.finish_saves(); });
  return end != Boundary::kStopped;
}

}  // namespace precis
