#include "lib/run/device_setup.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "lib/comm/threads.h"
#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAFunctions.h>
#endif

namespace precis {

at::ScalarType parse_dtype(const std::string& name) {
  return name == "bfloat16" ? at::kBFloat16 : name == "float16" ? at::kHalf : at::kFloat;
}

namespace {

at::ScalarType resolve_dtype(const std::string& name, at::Device device) {
  if (name != "auto") return parse_dtype(name);
#ifdef PRECIS_HAS_CUDA
  if (device.is_cuda())
    return at::cuda::getDeviceProperties(device.index())->major >= 8 ? at::kBFloat16 : at::kHalf;
#endif
  (void)device;
  return at::kFloat;
}

void use_gpu(DeviceSetup& setup, int index, const std::vector<VisibleGpu>& gpus) {
  setup.device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
  setup.device_name = gpus[static_cast<size_t>(index)].name;
#ifdef PRECIS_HAS_CUDA
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));
  at::globalContext().setAllowTF32CuBLAS(true);
#endif
}

}  // namespace

DeviceSetup set_up_device(World& world, const RunConfig& config, Log& log) {
  DeviceSetup setup;
  const std::vector<VisibleGpu> gpus =
      config.run.device == "cpu" ? std::vector<VisibleGpu>{} : visible_gpus();
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
  if (setup.plan.on_gpu && !setup.spare)
    use_gpu(setup, setup.plan.index[static_cast<size_t>(world.rank())], gpus);
  setup.dtype = resolve_dtype(config.train.dtype, setup.device);
  return setup;
}

}  // namespace precis
