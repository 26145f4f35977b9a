#include "lib/comm/devices.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

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
    int runtime = 0, known = 0;
    cudaRuntimeGetVersion(&runtime);
    cudaDriverGetVersion(&known);
    if (error == cudaErrorInsufficientDriver && known < runtime)
      throw DeviceError(describe_old_driver(driver_version(), known, runtime));
    throw DeviceError(
        fmt::format("this machine has an NVIDIA driver ({}) but CUDA {}.{}, which LibTorch uses, "
                    "cannot start on it: {}. nvidia-smi may tell more; run.device=cpu runs "
                    "without it",
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
#else
  if (std::filesystem::exists("/dev/nvidiactl"))
    throw DeviceError(
        "this machine has an NVIDIA GPU, and this build of Precis is for CPUs alone: "
        "launch/setup.sh --build says at its end why, and what to do; run.device=cpu runs without "
        "the GPU");
#endif
  return gpus;
}

std::string describe_old_driver(const std::string& driver, int driver_cuda, int runtime_cuda) {
  const auto words = [](int cuda) { return fmt::format("{}.{}", cuda / 1000, cuda % 1000 / 10); };
  const std::string needed = words(runtime_cuda);
  if (driver_cuda == 0)
    return fmt::format(
        "this machine has an NVIDIA driver ({}), but its library libcuda.so.1, which CUDA {} "
        "needs, cannot be loaded. In a container: start it with its GPUs (--gpus all, --nv). "
        "run.device=cpu runs without it",
        driver.empty() ? "of unknown version" : driver, needed);
  // A driver serves all minor versions of a CUDA that it knows the major version of.
  constexpr int kFirstOfCuda12 = 525, kFirstOfCuda13 = 580;
  std::string remedy;
  if (driver_cuda / 1000 == 12 && runtime_cuda / 1000 == 13)
    remedy =
        "A LibTorch for CUDA 12.8 works with it: PRECIS_TORCH_VERSION=2.10.0 launch/setup.sh, or "
        "pip install torch==2.10.0 and build again. Or update the driver";
  else
    remedy = "Update the driver";
  const int first = runtime_cuda / 1000 <= 12 ? kFirstOfCuda12 : kFirstOfCuda13;
  return fmt::format(
      "the NVIDIA driver of this machine ({}, for CUDA up to {}) is too old for CUDA {}, which "
      "LibTorch uses. {} to {} or newer (CUDA {} needs it). run.device=cpu runs without it",
      driver.empty() ? "of unknown version" : driver, words(driver_cuda), needed, remedy, first,
      runtime_cuda / 1000);
}

namespace {

/// LibTorch's builds have code for GPUs from here on (Turing, as the T4).
bool has_code(const VisibleGpu& gpu) {
  return gpu.major * 10 + gpu.minor >= 75;
}

/// What all ranks see together.
struct Sight {
  std::set<std::string> usable;  // UUIDs
  const VisibleGpu* too_old = nullptr;
  bool all_see_usable = true;
  std::vector<std::vector<int>> usable_of;  // by rank: indices among those it sees

  explicit Sight(const std::vector<RankView>& ranks) {
    for (const RankView& rank : ranks) {
      std::vector<int> mine;
      for (size_t i = 0; i < rank.gpus.size(); ++i) {
        const VisibleGpu& gpu = rank.gpus[i];
        if (has_code(gpu)) {
          usable.insert(gpu.uuid);
          mine.push_back(static_cast<int>(i));
        } else if (too_old == nullptr) {
          too_old = &gpu;
        }
      }
      all_see_usable = all_see_usable && !mine.empty();
      usable_of.push_back(std::move(mine));
    }
  }
};

[[noreturn]] void refuse_old(const Sight& sight) {
  const std::string enough =
      sight.usable.empty() ? ""
                           : fmt::format(", or start no more than {} rank(s)", sight.usable.size());
  throw DeviceError(
      fmt::format("{} (sm_{}{}): LibTorch's build has no code for GPUs below sm_75; choose T4 in "
                  "the notebook's accelerator menu{}, or run.device=cpu",
                  sight.too_old->name, sight.too_old->major, sight.too_old->minor, enough));
}

DevicePlan plan_cpus(size_t world, const std::string& backend) {
  if (backend == "nccl")
    throw DeviceError(
        "comm.backend is nccl, which needs GPUs, and the run is on CPUs: leave it on auto");
  DevicePlan plan;
  plan.index.assign(world, 0);
  plan.sharing.assign(world, 1);
  plan.backend = world > 1 ? "mpi" : "local";
  return plan;
}

/// Gives each rank one of the GPUs it can use. Returns how many ranks each GPU serves, by UUID.
std::map<std::string, int> deal_gpus(const std::vector<RankView>& ranks, const Sight& sight,
                                     DevicePlan& plan) {
  std::map<std::string, int> taken;
  const auto uuid = [&](size_t r) {
    return ranks[r].gpus[static_cast<size_t>(plan.index[r])].uuid;
  };
  for (size_t r = 0; r < ranks.size(); ++r) {
    // Under Slurm each task may see one GPU of its own: local rank modulo visible count is right
    // there too.
    const std::vector<int>& mine = sight.usable_of[r];
    plan.index.push_back(mine[static_cast<size_t>(ranks[r].local_rank) % mine.size()]);
    ++taken[uuid(r)];
  }
  for (size_t r = 0; r < ranks.size(); ++r) plan.sharing.push_back(taken[uuid(r)]);
  return taken;
}

}  // namespace

DevicePlan plan_devices(const std::vector<RankView>& ranks, const std::string& device,
                        const std::string& backend) {
  const size_t world = ranks.size();
  const Sight sight(ranks);
  const bool sees_any = !sight.usable.empty() || sight.too_old != nullptr;
  if (device == "cuda" && !sees_any)
    throw DeviceError(
        "run.device is cuda, but no rank sees a GPU (nvidia-smi and CUDA_VISIBLE_DEVICES tell "
        "why); run.device=cpu runs without one");
  if (device == "cpu" || !sees_any) {
    DevicePlan plan = plan_cpus(world, backend);
    plan.num_gpus = static_cast<int>(sight.usable.size());
    return plan;
  }
  if (!sight.all_see_usable && sight.too_old != nullptr) refuse_old(sight);
  if (!sight.all_see_usable)
    throw DeviceError(
        fmt::format("{} GPU(s) are visible, but not to every rank: give each rank one "
                    "(--gpus-per-task=1), or start fewer ranks",
                    sight.usable.size()));
  DevicePlan plan;
  plan.num_gpus = static_cast<int>(sight.usable.size());
  plan.on_gpu = true;
  plan.backend = world == 1 ? "local" : (backend == "auto" ? "nccl" : backend);
  const std::map<std::string, int> taken = deal_gpus(ranks, sight, plan);
  if (taken.size() == world || backend == "mpi") return plan;
  // What is short is the one that was passed over; that must not look like one GPU in all.
  if (sight.too_old != nullptr) refuse_old(sight);
  if (sight.usable.size() == 1) {
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

std::vector<VisibleGpu> visible_gpus_of_all(const World& world,
                                            const std::function<std::vector<VisibleGpu>()>& look) {
  std::vector<VisibleGpu> gpus;
  std::string fault;
  try {
    gpus = look();
  } catch (const DeviceError& error) {
    fault = error.what();
  }
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const nlohmann::json mine{{"fault", fault}, {"host", std::string(host.data())}};
  const std::vector<std::string> said = world.all_gather(mine.dump());
  std::string first;  // of those that failed
  size_t failed = 0;
  for (size_t r = 0; r < said.size(); ++r) {
    const auto one = nlohmann::json::parse(said[r]);
    const std::string words = one["fault"];
    if (words.empty() || failed++ > 0) continue;
    fault = words;
    first = fmt::format("rank {} (on {}): {}", r, one["host"].get<std::string>(), words);
  }
  if (failed > 0) throw SharedError(ExitCode::kDevice, failed == said.size() ? fault : first);
  return gpus;
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
  try {
    return plan_devices(ranks, device, backend);
  } catch (const DeviceError& error) {
    throw SharedError(error.code(), error.what());
  }
}

}  // namespace precis
