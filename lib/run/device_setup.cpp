#include "lib/run/device_setup.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "lib/base/errors.h"
#include "lib/comm/threads.h"
#include "lib/run/device_memory.h"
#include "lib/train/tf32.h"

namespace precis {

at::ScalarType choose_dtype(const std::string& key, const std::string& name,
                            const VisibleGpu* gpu) {
  constexpr int kWithBfloat16 = 8;
  const bool lacks_bfloat16 = gpu != nullptr && gpu->major < kWithBfloat16;
  if (name == "bfloat16" && lacks_bfloat16)
    throw ConfigError(fmt::format(
        "{} is bfloat16, and {} (compute capability {}.{}) does not compute with it: say float16",
        key, gpu->name, gpu->major, gpu->minor));
  if (name == "int8" && gpu != nullptr)
    throw ConfigError(fmt::format(
        "{} is int8, and {} is a GPU, where it is not there: say float16, or run.device=cpu", key,
        gpu->name));
  if (name == "auto")
    return gpu == nullptr ? at::kFloat : lacks_bfloat16 ? at::kHalf : at::kBFloat16;
  return name == "bfloat16" ? at::kBFloat16 : name == "float16" ? at::kHalf : at::kFloat;
}

namespace {

/// Collective. The GPU of the least compute capability that a rank computes on.
VisibleGpu weakest_gpu(const World& world, const VisibleGpu& mine) {
  VisibleGpu weakest = mine;
  for (const std::string& text :
       world.all_gather(nlohmann::json{mine.name, mine.major, mine.minor}.dump())) {
    const auto said = nlohmann::json::parse(text);
    const VisibleGpu theirs{{}, said[0], said[1], said[2]};
    if (std::tie(theirs.major, theirs.minor) < std::tie(weakest.major, weakest.minor))
      weakest = theirs;
  }
  return weakest;
}

/// Collective. Sets this rank's GPU, if it has one, and the dtypes: those that all can compute
/// with, since a loss scale holds for all ranks or for none.
void use_device_of_plan(DeviceSetup& setup, const World& world, const RunConfig& config,
                        const std::vector<VisibleGpu>& gpus) {
  std::optional<VisibleGpu> weakest;
  if (setup.plan.on_gpu) {
    const auto rank = static_cast<size_t>(world.rank());
    const int index = setup.plan.index[rank];
    setup.device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
    setup.device_name = gpus[static_cast<size_t>(index)].name;
    setup.sharing = setup.plan.sharing[rank];
    use_device(setup.device);
    allow_tf32(false);  // whatever the environment says: training steps ask for it
    weakest = weakest_gpu(world, gpus[static_cast<size_t>(index)]);
  }
  const VisibleGpu* gpu = weakest ? &*weakest : nullptr;
  world.together([&] {
    if (config.has_stage("train"))
      setup.dtype = choose_dtype("train.dtype", config.train.dtype, gpu);
    if (config.has_stage("evaluate") || config.has_stage("predict"))
      setup.generation_dtype = choose_dtype("generation.dtype", config.generation.dtype, gpu);
  });
  if (config.generation.dtype == "int8") setup.generation_form = WeightForm::kInt8;
  setup.tf32 = setup.device.is_cuda() && setup.dtype == at::kFloat && config.train.tf32;
}

}  // namespace

DeviceSetup set_up_device(World& world, const RunConfig& config, Log& log) {
  DeviceSetup setup;
  const std::vector<VisibleGpu> gpus =
      config.run.device == "cpu" ? std::vector<VisibleGpu>{} : visible_gpus_of_all(world);
  setup.plan = agree_on_devices(world, gpus, config.run.device, config.comm.backend);
  const ThreadShare share = share_threads(world);
  setup.threads = share.threads;
  at::set_num_threads(setup.threads);
  if (share.narrow && world.is_root())
    log.warn(
        fmt::format("mpirun bound this rank to {} core(s) where its share of the node is more: "
                    "start it with --bind-to none (launch/local.sh does)",
                    share.threads));
  setup.device_name = "CPU";
  if (setup.plan.root_alone) {
    if (world.is_root())
      log.info(
          fmt::format("one GPU for {} ranks: the run goes on with a single rank and the same "
                      "global batch size; the others wait",
                      world.size()));
    setup.spare = !world.is_root();
    world.continue_with_root();
  }
  if (!setup.spare) use_device_of_plan(setup, world, config, gpus);
  return setup;
}

}  // namespace precis
