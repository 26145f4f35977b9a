#include "lib/run/trainer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <optional>

#include "lib/base/log.h"
#include "lib/data/dataset.h"
#include "lib/data/epoch_plan.h"
#include "lib/model/cost.h"
#include "lib/run/coordinator.h"
#include "lib/run/device_setup.h"
#include "lib/run/output_stages.h"
#include "lib/run/train_stage.h"

namespace precis {
namespace {

/// out_dir must be a folder or a name for one, before any work is done.
void check_out_dir(const RunConfig& config) {
  const std::filesystem::path dir = config.run.out_dir.value;
  if (std::filesystem::exists(dir) && !std::filesystem::is_directory(dir))
    throw ConfigError(
        fmt::format("run.out_dir {} is a file; expected a folder or a name for a new one",
                    std::filesystem::absolute(dir).string()));
}

}  // namespace

ExitCode run_trainer(World& world, RunConfig& config) {
  world.set_timeout(config.comm.timeout_seconds);
  Log log(world.is_root());
  DeviceSetup setup;
  world.together([&] { check_out_dir(config); });
  for (const std::string& line : config.warnings) log.warn(line);
  setup = set_up_device(world, config, log);
  if (setup.spare) {
    world.wait_as_spare();
    return ExitCode::kDone;
  }
  Inputs inputs;
  std::unique_ptr<Coordinator> coordinator;
  world.together([&] { inputs = read_inputs(config, log); });
  config.data.block_size = inputs.model.shape.block_size;  // a model may have fewer positions
  world.together([&] {
    coordinator = std::make_unique<Coordinator>(config, world.is_root(), log);
    coordinator->open(inputs, config.has_stage("train"));
  });
  const RunContext context{config, setup, world, *coordinator};
  for (const std::string& stage : config.run.stages) {
    if (stage == "train" && !train_stage(context, inputs)) {
      log.info("stopped by a signal after saving last.pt: run the same line again to go on");
      return ExitCode::kStopped;
    }
    if (stage == "evaluate") evaluate_stage(context, inputs);
    if (stage == "predict") predict_stage(context, inputs);
  }
  world.together([&] {
    coordinator->finish_saves();
    coordinator->write_report(inputs);
  });
  log.info(fmt::format("run folder: {}{}",
                       std::filesystem::absolute(config.run.out_dir.value).string(),
                       config.report.html ? "; open report.html in it" : ""));
  return ExitCode::kDone;
}

void check_trainer(World& world, RunConfig& config) {
  Log log(world.is_root());
  world.together([&] { check_out_dir(config); });
  for (const std::string& line : config.warnings) log.warn(line);
  const DeviceSetup setup = set_up_device(world, config, log);
  if (setup.spare) return world.wait_as_spare();
  world.together([&] {
    const Inputs inputs = read_inputs(config, log);
    const GptShape& shape = inputs.model.shape;
    const DialogueDataset data(inputs.split.train, *inputs.prompt, shape.block_size,
                               config.data.overlong == "drop");
    const ParameterLayout layout = inputs.model.layout();
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
    const std::optional<int64_t> fixed = config.train.fixed_micro_batch_tokens();
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
