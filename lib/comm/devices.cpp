#include "lib/comm/devices.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#ifdef PRECIS_HAS_CUDA
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#endif

namespace precis {
namespace {

#ifdef PRECIS_HAS_CUDA
std::string hex(const char* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += fmt::format("{:02x}", static_cast<unsigned char>(bytes[i]));
  return text;
}

/// "535.104.05" of /proc/driver/nvidia/version, or empty.
std::string driver_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string word;
  while (file >> word)
    if (word.find('.') != std::string::npos &&
        word.find_first_not_of("0123456789.") == std::string::npos)
      return word;
  return {};
}
#endif

}  // namespace

std::vector<VisibleGpu> visible_gpus() {
  std::vector<VisibleGpu> gpus;
#ifdef PRECIS_HAS_CUDA
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess && error != cudaErrorNoDevice &&
      std::filesystem::exists("/dev/nvidiactl")) {
    int runtime = 0;
    cudaRuntimeGetVersion(&runtime);
    throw DeviceError(
        fmt::format("this machine has an NVIDIA driver ({}) but CUDA {}.{}, which LibTorch uses, "
                    "cannot start on it: {}. Update the driver, use a LibTorch for an "
                    "older CUDA, or say run.device=cpu",
                    driver_version().empty() ? "of unknown version" : driver_version(),
                    runtime / 1000, runtime % 1000 / 10, cudaGetErrorString(error)));
  }
  if (error != cudaSuccess) return gpus;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) == cudaSuccess)
      gpus.push_back({hex(properties.uuid.bytes, sizeof(properties.uuid.bytes)), properties.name,
                      properties.major, properties.minor});
  }
#endif
  return gpus;
}

DevicePlan plan_devices(const std::vector<RankView>& ranks, const std::string& device,
                        const std::string& backend) {
  DevicePlan plan;
  const size_t world = ranks.size();
  std::set<std::string> distinct;
  bool all_see_some = true;
  for (const RankView& rank : ranks) {
    all_see_some = all_see_some && !rank.gpus.empty();
    for (const VisibleGpu& gpu : rank.gpus) distinct.insert(gpu.uuid);
  }
  plan.num_gpus = static_cast<int>(distinct.size());
  plan.index.assign(world, 0);
  plan.sharing.assign(world, 1);
  if (device == "cuda" && distinct.empty())
    throw DeviceError(
        "run.device is cuda, but no rank sees a GPU (nvidia-smi and CUDA_VISIBLE_DEVICES tell "
        "why); run.device=cpu runs without one");
  if (device == "cpu" || distinct.empty()) {
    if (backend == "nccl")
      throw DeviceError(
          "comm.backend is nccl, which needs GPUs, and the run is on CPUs: leave it on auto");
    plan.backend = world > 1 ? "mpi" : "local";
    return plan;
  }
  if (!all_see_some)
    throw DeviceError(
        fmt::format("{} GPU(s) are visible, but not to every rank: give each rank one "
                    "(--gpus-per-task=1), or start fewer ranks",
                    distinct.size()));
  plan.on_gpu = true;
  plan.backend = world == 1 ? "local" : (backend == "auto" ? "nccl" : backend);
  std::map<std::string, int> taken;  // and by how many ranks
  for (size_t r = 0; r < world; ++r) {
    const RankView& rank = ranks[r];
    // Under Slurm each task may see one GPU of its own: local rank modulo visible count is right
    // there too.
    plan.index[r] = rank.local_rank % static_cast<int>(rank.gpus.size());
    ++taken[rank.gpus[static_cast<size_t>(plan.index[r])].uuid];
  }
  for (size_t r = 0; r < world; ++r)
    plan.sharing[r] = taken[ranks[r].gpus[static_cast<size_t>(plan.index[r])].uuid];
  if (taken.size() == world || backend == "mpi") return plan;
  if (distinct.size() == 1) {
    plan.root_alone = true;
    plan.sharing.assign(world, 1);
    plan.backend = "local";
    return plan;
  }
  throw DeviceError(
      fmt::format("{} ranks, but only {} GPU(s) for them: start {} ranks, or share GPUs between "
                  "ranks with comm.backend=mpi",
                  world, taken.size(), taken.size()));
}

DevicePlan agree_on_devices(const World& world, const std::vector<VisibleGpu>& mine,
                            const std::string& device, const std::string& backend) {
  nlohmann::json view{{"node", world.node()},
                      {"local_rank", world.local_rank()},
                      {"gpus", nlohmann::json::array()}};
  for (const VisibleGpu& gpu : mine)
    view["gpus"].push_back({gpu.uuid, gpu.name, gpu.major, gpu.minor});
  std::vector<RankView> ranks;
  for (const std::string& text : world.all_gather(view.dump())) {
    const auto said = nlohmann::json::parse(text);
    RankView rank{said["node"], said["local_rank"], {}};
    for (const auto& gpu : said["gpus"]) rank.gpus.push_back({gpu[0], gpu[1], gpu[2], gpu[3]});
    ranks.push_back(std::move(rank));
  }
  return plan_devices(ranks, device, backend);
}

}  // namespace precis
