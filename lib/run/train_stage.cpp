#include "lib/run/train_stage.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "lib/model/cost.h"
#include "lib/run/observers.h"
#include "lib/run/stop_signal.h"

namespace precis {
namespace {

int64_t choose_micro_batch_tokens(const RunContext& context, const Inputs& inputs) {
  if (const auto fixed = context.config.train.fixed_micro_batch_tokens()) return *fixed;
  if (inputs.resumed && inputs.model.progress.micro_batch_tokens > 0)
    return inputs.model.progress.micro_batch_tokens;
  // All ranks must cut alike: the least of what they would choose.
  int64_t least = automatic_micro_batch_tokens(context.setup, inputs.model.layout());
  for (const std::string& theirs : context.world.all_gather(std::to_string(least)))
    least = std::min<int64_t>(least, std::stoll(theirs));
  return least;
}

}  // namespace

void print_banner(const RunContext& context, const Inputs& inputs, const DialogueDataset& data,
                  int64_t micro_batch_tokens) {
  const RunConfig& config = context.config;
  const World& world = context.world;
  Log& log = context.coordinator.log();
  const GptShape& shape = inputs.model.shape;
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
                  static_cast<double>(inputs.model.layout().numel()) / 1e6,
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

bool train_stage(const RunContext& context, Inputs& inputs) {
  const RunConfig& config = context.config;
  World& world = context.world;
  Progress& progress = inputs.model.progress;
  const int64_t patience = config.eval.early_stopping_patience;
  const bool ended_early = patience > 0 && progress.stale_evaluations >= patience;
  if (inputs.resumed && progress.finished &&
      (progress.iter >= config.train.max_iters || ended_early)) {
    context.coordinator.log().info(fmt::format("training is done: {} iterations", progress.iter));
    return true;
  }
  const int64_t block = inputs.model.shape.block_size;
  std::unique_ptr<DialogueDataset> data, validation;
  world.together([&] {
    data = std::make_unique<DialogueDataset>(inputs.split.train, *inputs.prompt, block,
                                             config.data.overlong == "drop");
    validation =
        std::make_unique<DialogueDataset>(inputs.split.validation, *inputs.prompt, block, false);
    if (data->size() == 0)
      throw DataError("no training sample fits into data.block_size: make it larger");
    if (validation->size() == 0)
      throw DataError("no validation sample fits into data.block_size: make it larger");
  });
  const int64_t start = progress.iter;
  progress.micro_batch_tokens = choose_micro_batch_tokens(context, inputs);
  print_banner(context, inputs, *data, progress.micro_batch_tokens);

  const auto collectives =
      make_collectives(context.setup.plan.backend, world, context.setup.device);
  const ParameterLayout layout = inputs.model.layout();
  FlatParameters parameters(layout, inputs.model.flat, context.setup.dtype, context.setup.device,
                            *collectives);
  AdamW optimizer(parameters, config.train);
  if (inputs.model.optimizer) {
    optimizer.exp_avg().copy_(inputs.model.optimizer->exp_avg);
    optimizer.exp_avg_sq().copy_(inputs.model.optimizer->exp_avg_sq);
    optimizer.set_steps(progress.optimizer_steps);
  }
  LossScaler scaler(context.setup.dtype == at::kHalf);
  if (progress.loss_scale > 0) scaler.restore(progress.loss_scale, progress.good_steps);
  inputs.model.flat = parameters.master();
  inputs.model.optimizer = OptimizerMoments{optimizer.exp_avg(), optimizer.exp_avg_sq()};

  Gpt model(layout, context.setup.device);
  TrainStep step({model, parameters, optimizer, scaler, *collectives, world},
                 config.train.grad_clip, config.comm.bucket_megabytes);
  const EpochPlan plan(data->size(), config.train.global_batch_size,
                       static_cast<uint64_t>(config.run.seed));
  TrainLoop loop(
      {step, *data, plan, world, context.setup.device}, config.train,
      {progress.micro_batch_tokens, config.model.dropout, target_token_cost(inputs.model.shape),
       static_cast<uint64_t>(config.run.seed), stop_was_requested});
  const TrainingParts parts{context, inputs, model, parameters, optimizer, scaler, inputs.model};
  RecordObserver records(parts, progress.micro_batch_tokens);
  EvaluationObserver evaluations(parts, *validation);
  CheckpointObserver checkpoints(parts, inputs.resumed ? start : -1);
  const Boundary end = loop.run(start, {&records, &evaluations, &checkpoints});
  context.coordinator.finish_saves();
  world.barrier();
  return end != Boundary::kStopped;
}

}  // namespace precis
