#include "lib/run/train_stage.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/model/cost.h"
#include "lib/run/observers.h"
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
  int64_t least = automatic_micro_batch_tokens(context.setup, ParameterLayout(inputs.shape));
  for (const std::string& theirs : context.world.all_gather(std::to_string(least)))
    least = std::min<int64_t>(least, std::stoll(theirs));
  return least;
}

bool is_done(const RunConfig& config, const Progress& progress) {
  const int64_t patience = config.eval.early_stopping_patience;
  const bool ended_early = patience > 0 && progress.stale_evaluations >= patience;
  return progress.finished && (progress.iter >= config.train.max_iters || ended_early);
}

struct Datasets {
  std::unique_ptr<DialogueDataset> train, validation;
};

/// Collective. Both sides of the split, encoded.
Datasets encode(const RunContext& context, const Inputs& inputs) {
  Datasets sets;
  context.world.together([&] {
    const int64_t block = inputs.shape.block_size;
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

void print_banner(const RunContext& context, const Inputs& inputs, const DialogueDataset& data,
                  int64_t micro_batch_tokens) {
  const RunConfig& config = context.config;
  const World& world = context.world;
  Log& log = context.coordinator.log();
  const GptShape& shape = inputs.shape;
  std::vector<std::string> devices = world.all_gather(
      context.setup.device.is_cuda() ? fmt::format("cuda:{}", context.setup.device.index())
                                     : fmt::format("cpu with {} thread(s)", context.setup.threads));
  std::string map;
  for (size_t r = 0; r < devices.size(); ++r)
    map += fmt::format("{}{}: {}", r == 0 ? "" : ", ", r, devices[r]);
  if (context.setup.plan.on_gpu && world.size() > 1)
    log.info(fmt::format("multi-GPU training: {} GPUs", world.size()));
  log.info(fmt::format("GPU count: {}", context.setup.plan.num_gpus));
  log.info(fmt::format("ranks: {} on {} node(s), collectives: {}; rank to device: {}", world.size(),
                       world.num_nodes(), context.setup.plan.backend, map));
  log.info(fmt::format(
      "effective batch size: {} samples, in micro-batches of about {} tokens: about {} a step",
      config.train.global_batch_size, micro_batch_tokens,
      std::max<int64_t>(1, data.total_tokens() / std::max<int64_t>(1, data.size()) *
                               config.train.global_batch_size / micro_batch_tokens)));
  log.info(
      fmt::format("model: {} layers, {} heads, width {}, vocabulary {}, {} positions: {:.2f} "
                  "million parameters, {}",
                  shape.n_layer, shape.n_head, shape.n_embd, shape.vocab_size, shape.block_size,
                  static_cast<double>(ParameterLayout(shape).numel()) / 1e6,
                  c10::toString(context.setup.dtype)));
  log.info(fmt::format(
      "training samples: {} kept, {} of them cut, {} dropped; {} tokens, {:.1f} a sample, longest "
      "{}; padding to the longest would be {:.0f} % of "
      "all, and there is none",
      data.size(), data.num_cut(), data.num_dropped(), data.total_tokens(),
      static_cast<double>(data.total_tokens()) /
          static_cast<double>(std::max<int64_t>(1, data.size())),
      data.longest(),
      100.0 * (1.0 - static_cast<double>(data.total_tokens()) /
                         static_cast<double>(std::max<int64_t>(1, data.size() * data.longest())))));
}

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
      {state.model, state.parameters, state.optimizer, state.scaler, *collectives, world},
      config.train.grad_clip, config.comm.bucket_megabytes);
  const EpochPlan plan(data->size(), config.train.global_batch_size,
                       static_cast<uint64_t>(config.run.seed));
  TrainLoop loop(
      {step, *data, plan, world, context.setup.device}, config.train,
      {state.progress.micro_batch_tokens, config.model.dropout, target_token_cost(inputs.shape),
       static_cast<uint64_t>(config.run.seed), stop_was_requested});
  const TrainingParts parts{context, inputs, state};
  RecordObserver records(parts);
  EvaluationObserver evaluations(parts, *validation);
  CheckpointObserver checkpoints(parts, inputs.resumed ? inputs.iter : -1);
  const Boundary end = loop.run(inputs.iter, {&records, &evaluations, &checkpoints});
  world.together([&] { context.coordinator.finish_saves(); });
  return end != Boundary::kStopped;
}

}  // namespace precis
