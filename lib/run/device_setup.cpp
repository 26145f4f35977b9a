#include "lib/run/device_setup.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "lib/comm/threads.h"
#include "lib/model/cost.h"
#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
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

PeakRate peak_rate(const DeviceSetup& setup) {
  struct Known {
    const char* name;
    double half,
        single;  // dense TFLOP/s: half types on tensor cores; float32 as TF32 where there is such
  };
  // Vendors' data sheets; without sparsity. T4: no TF32.
  constexpr std::array kKnown{
      Known{"H200", 989, 494},    Known{"H100 PCIe", 756, 378}, Known{"H100", 989, 494},
      Known{"A100", 312, 156},    Known{"A10G", 70, 35},        Known{"A10", 125, 62.5},
      Known{"L40S", 362, 183},    Known{"L4", 121, 60},         Known{"V100", 125, 15.7},
      Known{"P100", 18.7, 9.3},   Known{"T4", 65, 8.1},         Known{"RTX 4090", 165, 82.6},
      Known{"RTX 3090", 71, 35.6}};
  for (const Known& gpu : kKnown) {
    if (!setup.device.is_cuda() || setup.device_name.find(gpu.name) == std::string::npos) continue;
    const double tera = setup.dtype == at::kFloat ? gpu.single : gpu.half;
    return {tera * 1e12, fmt::format("{} TFLOP/s of an {}", tera, gpu.name)};
  }
  const int64_t n = setup.device.is_cuda() ? 4096 : 768;
  const auto options = at::TensorOptions(setup.device).dtype(setup.dtype);
  const at::Tensor a = at::ones({n, n}, options), b = at::ones({n, n}, options);
  at::Tensor c = at::mm(a, b);
  double best = 1e30;
  for (int i = 0; i < 4; ++i) {
    const auto began = std::chrono::steady_clock::now();
    at::mm_out(c, a, b);
    c.select(0, 0).select(0, 0).item<float>();  // waits for the device
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  const double rate =
      2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n) / best;
  return {rate, fmt::format("{:.0f} GFLOP/s measured", rate / 1e9)};
}

int64_t automatic_micro_batch_tokens(const DeviceSetup& setup, const ModelShape& shape) {
  constexpr int64_t kCpu =
      2048;  // products of this many rows run at full rate, and their memory stays small
  if (!setup.device.is_cuda()) return kCpu;
  int64_t bytes = int64_t{4} << 30;
#ifdef PRECIS_HAS_CUDA
  size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) == cudaSuccess) bytes = static_cast<int64_t>(free);
#endif
  const ParameterTable table = shape.parameters();
  const int64_t free_bytes =
      bytes - state_bytes(table.numel(), table.trainable_numel(), setup.element_size());
  // Not all of it: decoding takes some, and so do the gaps between blocks of the allocator.
  return std::clamp<int64_t>(tokens_within(shape.cost(setup.element_size()), free_bytes * 6 / 10),
                             1024, 65536);
}

}  // namespace precis
