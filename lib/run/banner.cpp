#include "lib/run/banner.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lib/model/cost.h"
#include "lib/model/parameter_table.h"
#include "lib/run/micro_batch_size.h"
#include "lib/run/rank_memory.h"

namespace precis {
namespace {

double millions(int64_t count) {
  return static_cast<double>(count) / 1e6;
}

double gigabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

void print_rows(const RunConfig& config, const Inputs& inputs, Log& log) {
  log.info(fmt::format("rows: {} training, {} validation, {} test", inputs.split.train.size(),
                       inputs.split.validation.size(), inputs.test.size()));
  const int64_t positions = inputs.shape->block_size;
  const DialogueDataset data(inputs.split.train, *inputs.prompt, positions,
                             config.data.overlong == "drop");
  if (data.size() > 0)
    log.info(
        fmt::format("training samples: {} kept, {} of them cut, {} dropped; {} tokens, longest "
                    "{}; padded to {} positions {:.1f} % would be padding",
                    data.size(), data.num_cut(), data.num_dropped(), data.total_tokens(),
                    data.longest(), positions,
                    100.0 * (1.0 - static_cast<double>(data.total_tokens()) /
                                       static_cast<double>(data.size() * positions))));
  const double epochs =
      data.size() > 0
          ? static_cast<double>(config.train.max_iters * config.train.global_batch_size) /
                static_cast<double>(data.size())
          : 0;
  log.info(
      fmt::format("optimizer steps: {} of {} samples (effective batch size: {}): {:.2f} epochs",
                  config.train.max_iters, config.train.global_batch_size,
                  config.train.global_batch_size, epochs));
}

/// What a CPU takes besides, where a stage of the config decodes.
void print_decoding(const RankMemory& memory, Log& log) {
  if (memory.packed + memory.cache > 0)
    log.info(fmt::format(
        "memory for decoding: about {:.2f} GB (weights {:.2f}, the same as decoding reads them "
        "{:.2f}, keys and values {:.2f}){}",
        gigabytes(memory.weights + memory.packed + memory.cache), gigabytes(memory.weights),
        gigabytes(memory.packed), gigabytes(memory.cache),
        memory.decodes_in_training ? "; evaluations while training take it beside training's"
                                   : ""));
}

void print_memory(const RunConfig& config, const DeviceSetup& setup, const ModelShape& shape,
                  Log& log) {
  const int64_t tokens = planned_micro_batch_tokens(config, setup, shape);
  const ParameterTable table = shape.parameters();
  const int64_t state = state_bytes(table.numel(), table.trainable_numel(), setup.element_size());
  const int64_t activations = activation_bytes(shape.cost(setup.element_size()), tokens);
  log.info(fmt::format(
      "memory a rank needs: about {:.2f} GB (weights, gradients and moments {:.2f}, "
      "a micro-batch of {} tokens {:.2f})",
      gigabytes(state + activations), gigabytes(state), tokens, gigabytes(activations)));
  if (setup.device.is_cpu()) print_decoding(planned_memory(config, setup, shape, true), log);
}

}  // namespace

void print_banner(const RunContext& context, const Inputs& inputs, const DialogueDataset& data,
                  int64_t micro_batch_tokens) {
  const RunConfig& config = context.config;
  const World& world = context.world;
  Log& log = context.coordinator.log();
  const ModelShape& shape = *inputs.shape;
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
  log.info(fmt::format("model: {}, vocabulary {}, {} positions: {:.2f} million parameters, {}",
                       shape.words(), shape.vocab_size, shape.block_size,
                       millions(shape.parameters().numel()), c10::toString(context.setup.dtype)));
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

void print_plan(const World& world, const RunConfig& config, const DeviceSetup& setup,
                const Inputs& inputs, Log& log) {
  const ModelShape& shape = *inputs.shape;
  log.info(fmt::format("ranks: {}, GPU count: {}, collectives: {}", world.size(),
                       setup.plan.num_gpus, setup.plan.backend));
  log.info(fmt::format("model: {}, {} positions: {:.2f} million parameters, {}", shape.words(),
                       shape.block_size, millions(shape.parameters().numel()),
                       c10::toString(setup.dtype)));
  print_rows(config, inputs, log);
  print_memory(config, setup, shape, log);
}

}  // namespace precis
