#include "lib/run/trainer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/log.h"
#include "lib/base/output_target.h"
#include "lib/data/dataset.h"
#include "lib/data/epoch_plan.h"
#include "lib/model/cost.h"
#include "lib/run/coordinator.h"
#include "lib/run/device_setup.h"
#include "lib/run/output_stages.h"
#include "lib/run/train_stage.h"

namespace precis {
namespace {

/// Collective. The run folder must be one or a name for one, before any work is done; only the root
/// writes there.
void check_out_dir(const World& world, const RunConfig& config) {
  world.together([&] {
    if (world.is_root()) check_output_folder(config.run.out_dir.value, "run.out_dir");
  });
}

/// evaluate, or predict. `output`: the model they share, made where there is none yet; `read`: what
/// was read to begin with.
void output_stage(const std::string& stage, const RunContext& context, const Inputs& inputs,
                  std::optional<ModelFile>& read, std::unique_ptr<OutputModel>& output) {
  if (stage == "predict" && inputs.test.empty()) {
    context.coordinator.log().info("no data.test_csv: nothing to predict");
    return;
  }
  const bool to_train = context.config.has_stage("train");  // then `read` is for that
  if (!output)
    output = load_output_model(context, inputs,
                               to_train ? std::nullopt : std::exchange(read, std::nullopt));
  if (stage == "evaluate")
    evaluate_stage(context, inputs, *output);
  else
    predict_stage(context, inputs, *output);
}

}  // namespace

ExitCode run_trainer(World& world, RunConfig& config) {
  world.set_timeout(config.comm.timeout_seconds);
  Log log(world.is_root());
  DeviceSetup setup;
  check_out_dir(world, config);
  for (const std::string& line : config.warnings) log.warn(line);
  setup = set_up_device(world, config, log);
  if (setup.spare) {
    world.wait_as_spare();
    return ExitCode::kDone;
  }
  RunInputs read;
  std::unique_ptr<Coordinator> coordinator;
  world.together([&] { read = read_inputs(config, log); });
  require_same_start(world, read.model);
  const Inputs& inputs = read.inputs;
  config.data.block_size = inputs.shape.block_size;  // a model may have fewer positions
  world.together([&] {
    coordinator = std::make_unique<Coordinator>(config, world.is_root(), log);
    coordinator->open(inputs, config.has_stage("train"));
  });
  const RunContext context{config, setup, world, *coordinator};
  std::optional<ModelFile> model = std::move(read.model);
  std::unique_ptr<OutputModel> output;
  for (const std::string& stage : config.run.stages) {
    if (stage != "train") {
      output_stage(stage, context, inputs, model, output);
      continue;
    }
    output.reset();        // of the weights before
    if (!model) continue;  // train is named twice
    ModelFile start = std::move(*std::exchange(model, std::nullopt));
    if (!train_stage(context, inputs, std::move(start))) {
      log.info("stopped by a signal after saving last.pt: run the same line again to go on");
      return ExitCode::kStopped;
    }
  }
  world.together([&] { coordinator->write_report(inputs); });
  log.info(fmt::format("run folder: {}{}",
                       std::filesystem::absolute(config.run.out_dir.value).string(),
                       config.report.html ? "; open report.html in it" : ""));
  return ExitCode::kDone;
}

void check_trainer(World& world, RunConfig& config) {
  Log log(world.is_root());
  check_out_dir(world, config);
  for (const std::string& line : config.warnings) log.warn(line);
  const DeviceSetup setup = set_up_device(world, config, log);
  if (setup.spare) return world.wait_as_spare();
  world.together([&] {
    const Inputs inputs = read_inputs(config, log).inputs;
    const GptShape& shape = inputs.shape;
    const DialogueDataset data(inputs.split.train, *inputs.prompt, shape.block_size,
                               config.data.overlong == "drop");
    const ParameterLayout layout(shape);
    const int64_t numel = layout.numel();
    log.info(fmt::format("ranks: {}, GPU count: {}, collectives: {}", world.size(),
                         setup.plan.num_gpus, setup.plan.backend));
    log.info(fmt::format(
        "model: {} layers, {} heads, width {}, {} positions: {:.2f} million parameters, {}",
        shape.n_layer, shape.n_head, shape.n_embd, shape.block_size,
        static_cast<double>(numel) / 1e6, c10::toString(setup.dtype)));
    log.info(fmt::format("rows: {} training, {} validation, {} test", inputs.split.train.size(),
                         inputs.split.validation.size(), inputs.test.size()));
    if (data.size() > 0)
      log.info(
          fmt::format("training samples: {} kept, {} of them cut, {} dropped; {} tokens, longest "
                      "{}; padded to {} positions {:.1f} % would be padding",
                      data.size(), data.num_cut(), data.num_dropped(), data.total_tokens(),
                      data.longest(), shape.block_size,
                      100.0 * (1.0 - static_cast<double>(data.total_tokens()) /
                                         static_cast<double>(data.size() * shape.block_size))));
    const double epochs =
        data.size() > 0
            ? static_cast<double>(config.train.max_iters * config.train.global_batch_size) /
                  static_cast<double>(data.size())
            : 0;
    log.info(
        fmt::format("optimizer steps: {} of {} samples (effective batch size: {}): {:.2f} epochs",
                    config.train.max_iters, config.train.global_batch_size,
                    config.train.global_batch_size, epochs));
    const std::optional<int64_t> fixed = config.train.micro_batch_tokens.count;
    const int64_t tokens = fixed ? *fixed : automatic_micro_batch_tokens(setup, layout);
    const auto element = static_cast<int64_t>(c10::elementSize(setup.dtype));
    const auto gigabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e9; };
    const int64_t state = state_bytes(numel, element);
    const int64_t activations = activation_bytes(shape, tokens, element);
    log.info(fmt::format(
        "memory a rank needs: about {:.2f} GB (weights, gradients and moments {:.2f}, "
        "a micro-batch of {} tokens {:.2f})",
        gigabytes(state + activations), gigabytes(state), tokens, gigabytes(activations)));
    log.info("the config and its inputs are fine; nothing was written");
  });
}

}  // namespace precis
