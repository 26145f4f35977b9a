#include "lib/run/train_stage.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "lib/run/banner.h"
#include "lib/run/best_checkpoint.h"
#include "lib/run/checkpoint_observer.h"
#include "lib/run/device_memory.h"
#include "lib/run/evaluation_observer.h"
#include "lib/run/micro_batch_size.h"
#include "lib/run/record_observer.h"
#include "lib/run/recording.h"
#include "lib/run/stop_signal.h"
#include "lib/run/training_state.h"

namespace precis {
namespace {

/// Collective. Sets the size of a micro-batch in `progress`, where the checkpoint that was read may
/// have left one, and what it is planned for. All ranks must cut alike, so the least of what they
/// would choose counts.
void choose_micro_batch_tokens(const RunContext& context, const Inputs& inputs,
                               Progress& progress) {
  empty_memory_cache(context.setup.device);  // of a stage before
  std::set<std::string> kinds;
  for (std::string& theirs : context.world.all_gather(device_kind(context.setup)))
    kinds.insert(std::move(theirs));
  int64_t automatic = automatic_micro_batch_tokens(context.setup, *inputs.shape);
  for (const std::string& theirs : context.world.all_gather(std::to_string(automatic)))
    automatic = std::min<int64_t>(automatic, std::stoll(theirs));
  const std::string kind = fmt::format("{}", fmt::join(kinds, ", "));
  if (const auto fixed = context.config.train.micro_batch_tokens.count)
    progress.micro_batch_tokens = *fixed;
  else
    progress.micro_batch_tokens =
        inputs.resumed ? resumed_micro_batch_tokens(progress, kind, automatic) : automatic;
  progress.micro_batch_device = kind;
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

std::string no_room_for_a_sample(const RunContext& context, const MemoryNeed& need, int64_t steps) {
  const std::string& name = context.setup.device_name;
  return fmt::format(
      "{}, alone in its micro-batch, does not fit into the memory of {}: set "
      "data.block_size to a smaller number, take a smaller model, or set train.dtype to float16 or "
      "bfloat16. {} holds the {} iterations that are done",
      need.alone > 0 ? fmt::format("a sample of {} tokens", need.alone) : "a sample",
      context.setup.device.is_cuda() ? name : "this machine",
      (context.coordinator.folder().path() / "last.pt").string(), steps);
}

/// What trying to train to the end came to.
struct Attempt {
  Boundary end = Boundary::kFinished;
  int64_t steps = 0;                    // done
  std::optional<OutOfMemory> shortage;  // instead of `end`
};

/// Training with micro-batches of one size, made of parts that live as long as that size does.
class Training {
 public:
  Training(const TrainingParts& parts, const Datasets& data, Collectives& collectives)
      : parts_(parts),
        data_(data),
        collectives_(collectives),
        records_(parts),
        checkpoints_(parts, parts.inputs.resumed ? parts.inputs.iter : -1) {}

  /// Collective. From the steps that are done to the end, with smaller micro-batches where memory
  /// runs out. Throws SharedError where that does not help.
  Boundary run() {
    int64_t steps = parts_.inputs.iter;
    for (;;) {
      const Attempt attempt = try_from(steps);
      if (!attempt.shortage) return attempt.end;
      steps = attempt.steps;
      back_off(steps, *attempt.shortage);
    }
  }

 private:
  Attempt try_from(int64_t steps);
  void back_off(int64_t steps, const OutOfMemory& shortage);

  TrainingParts parts_;
  const Datasets& data_;
  Collectives& collectives_;
  RecordObserver records_;
  CheckpointObserver checkpoints_;
};

Attempt Training::try_from(int64_t steps) {
  const auto& [config, setup, world, coordinator] = parts_.context;
  TrainingState& state = parts_.state;
  TrainStep step(
      {*state.model, state.parameters, state.optimizer, state.scaler, collectives_, world},
      {config.train.grad_clip, config.train.skip_grad_norm_above}, config.comm.bucket_megabytes,
      {.tf32 = setup.tf32, .measure = config.train.measure_products},
      config.train.cuda_graphs ? recording_on(setup.device, coordinator.log()) : Recording{});
  const EpochPlan plan(data_.train->size(), config.train.global_batch_size,
                       static_cast<uint64_t>(config.run.seed));
  TrainLoop loop({step, *data_.train, plan, world, setup.device}, config.train,
                 {.micro_batch_tokens = state.progress.micro_batch_tokens,
                  .dropout = config.model.dropout,
                  .target_cost = state.shape->cost(setup.element_size()).target_token,
                  .seed = static_cast<uint64_t>(config.run.seed),
                  .try_out = setup.device.is_cuda(),
                  .stop_requested = stop_was_requested});
  EvaluationObserver evaluations(parts_, *data_.validation);
  Attempt attempt;
  try {
    // In this order: last.pt holds what the evaluation before it found, and whether it ended the
    // run.
    attempt.end = loop.run(steps, {&records_, &evaluations, &checkpoints_});
  } catch (const OutOfMemory& shortage) {
    attempt.shortage = shortage;
  }
  attempt.steps = loop.steps();
  return attempt;
}

void Training::back_off(int64_t steps, const OutOfMemory& shortage) {
  const RunContext& context = parts_.context;
  Progress& progress = parts_.state.progress;
  const int64_t before = progress.micro_batch_tokens;
  const auto smaller = smaller_micro_batch_tokens(before, shortage.need());
  if (!smaller) {
    progress.micro_batch_tokens = 0;  // whoever goes on, with something changed, plans anew
    checkpoints_.reached(steps, Boundary::kStopped);
    context.world.together([&] { context.coordinator.finish_saves(); });
    throw SharedError(ExitCode::kDevice, no_room_for_a_sample(context, shortage.need(), steps));
  }
  context.coordinator.log().warn(
      fmt::format("not enough memory for micro-batches of {} tokens: going on with {}; results are "
                  "the same up to rounding",
                  before, *smaller));
  progress.micro_batch_tokens = *smaller;
  parts_.state.renew_model();
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
  const Datasets data = encode(context, inputs);
  choose_micro_batch_tokens(context, inputs, start.progress);
  print_banner(context, inputs, *data.train, start.progress.micro_batch_tokens);
  const auto collectives =
      make_collectives(context.setup.plan.backend, world, context.setup.device);
  TrainingState state(std::move(start), config.train, context.setup, *collectives);
  const Boundary end = Training({context, inputs, state}, data, *collectives).run();
  if (end == Boundary::kStopped) return false;
  world.together([&] { context.coordinator.settle_saves(); });
  return true;
}

}  // namespace precis
