#include "lib/run/trainer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/log.h"
#include "lib/base/output_target.h"
#include "lib/run/banner.h"
#include "lib/run/coordinator.h"
#include "lib/run/device_check.h"
#include "lib/run/device_setup.h"
#include "lib/run/output_stages.h"
#include "lib/run/rank_memory.h"
#include "lib/run/run_lock.h"
#include "lib/run/same_start.h"
#include "lib/run/train_stage.h"

namespace precis {
namespace {

/// Collective. The run folder must be one or a name for one, before any work is done; only the root
/// writes there. What grows in it may not do so elsewhere (other outputs take the place of a link).
void check_out_dir(const World& world, const RunConfig& config) {
  world.together([&] {
    if (!world.is_root()) return;
    check_output_folder(config.run.out_dir.value, "run.out_dir");
    constexpr std::string_view kGrowing[] = {"metrics.jsonl", "train.log", "tensorboard",
                                             "run.lock"};
    check_stays_inside(config.run.out_dir.value, kGrowing, "run.out_dir");
  });
}

/// evaluate, or predict; false where a signal stopped it. `output`: the model they share, made
/// where there is none yet; `read`: what was read to begin with.
bool output_stage(const std::string& stage, const RunContext& context, const Inputs& inputs,
                  std::optional<ModelFile>& read, std::unique_ptr<OutputModel>& output) {
  if (stage == "predict" && inputs.test.empty()) {
    context.coordinator.log().info("no data.test_csv: nothing to predict");
    return true;
  }
  const bool to_train = context.config.has_stage("train");  // then `read` is for that
  if (!output)
    output = load_output_model(context, inputs,
                               to_train ? std::nullopt : std::exchange(read, std::nullopt));
  return stage == "evaluate" ? evaluate_stage(context, inputs, *output)
                             : predict_stage(context, inputs, *output);
}

/// Collective. The end after a signal.
ExitCode stopped(const World& world, Coordinator& coordinator, Log& log) {
  world.together([&] { coordinator.finish_saves(); });
  log.info("stopped by a signal, and all is saved: run the same line again to go on");
  return ExitCode::kStopped;
}

}  // namespace

ExitCode run_trainer(World& world, RunConfig& config) {
  world.set_timeout(config.comm.timeout_seconds);
  Log log(world.is_root());
  DeviceSetup setup;
  require_same_config(world, config);
  check_out_dir(world, config);
  std::unique_ptr<RunLock> lock;
  world.together([&] {
    if (world.is_root()) lock = std::make_unique<RunLock>(config.run.out_dir.value, log);
  });
  for (const std::string& line : config.warnings) log.warn(line);
  setup = set_up_device(world, config, log);
  if (setup.spare) {
    world.wait_as_spare();
    return ExitCode::kDone;
  }
  const auto route = check_device(world, setup, ops::SelfTest::kShort, log);
  RunInputs read;
  std::unique_ptr<Coordinator> coordinator;
  world.set_activity("reading inputs");
  world.together([&] { read = read_inputs(config, log); });
  require_same_start(world, read.model);
  const Inputs& inputs = read.inputs;
  require_same_inputs(world, inputs);
  config.data.block_size = inputs.shape->block_size;  // a model may have fewer positions
  world.together([&] {
    coordinator = std::make_unique<Coordinator>(config, world.is_root(), log);
    coordinator->hold(lock.get());
    coordinator->open(inputs, config.has_stage("train"));
  });
  const RunContext context{config, setup, world, *coordinator};
  std::optional<ModelFile> model = std::move(read.model);
  std::unique_ptr<OutputModel> output;
  for (const std::string& stage : config.run.stages) {
    world.set_activity(stage);
    if (stage != "train") {
      if (!output_stage(stage, context, inputs, model, output))
        return stopped(world, *coordinator, log);
      continue;
    }
    output.reset();        // of the weights before
    if (!model) continue;  // train is named twice
    ModelFile start = std::move(*std::exchange(model, std::nullopt));
    if (!train_stage(context, inputs, std::move(start))) return stopped(world, *coordinator, log);
  }
  world.set_activity("report");
  world.together([&] {
    coordinator->write_report(inputs);
    coordinator->finish();
  });
  log.info(fmt::format("run folder: {}{}",
                       std::filesystem::absolute(config.run.out_dir.value).string(),
                       config.report.html ? "; open report.html in it" : ""));
  return ExitCode::kDone;
}

void check_trainer(World& world, RunConfig& config) {
  Log log(world.is_root());
  require_same_config(world, config);
  check_out_dir(world, config);
  for (const std::string& line : config.warnings) log.warn(line);
  const DeviceSetup setup = set_up_device(world, config, log);
  if (setup.spare) return world.wait_as_spare();
  const auto route = check_device(world, setup, ops::SelfTest::kWhole, log);
  RankMemory memory;
  world.together([&] {
    const Inputs inputs = read_inputs(config, log).inputs;
    print_plan(world, config, setup, inputs, log);
    if (setup.device.is_cpu())
      memory = planned_memory(config, setup, *inputs.shape, world.is_root());
  });
  for (const std::string& warning : memory_warnings(world, memory)) log.warn(warning);
  log.info("the config and its inputs are fine; nothing was written");
}

}  // namespace precis
