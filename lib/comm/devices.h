// Which device each rank computes on.
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <string>
#include <vector>

#include "lib/comm/world.h"

namespace precis {

/// One GPU as a process sees it.
struct VisibleGpu {
  std::string uuid;  ///< the same physical GPU has the same UUID in every process
  std::string name;
  int major = 0, minor = 0;  ///< compute capability
};

/// The GPUs this process sees; none where the machine has none. Throws DeviceError when the machine
/// has an NVIDIA driver or device node but CUDA cannot be used: a driver too old for LibTorch's
/// CUDA, or a build without CUDA.
std::vector<VisibleGpu> visible_gpus();

/// What to do about a driver that is too old for LibTorch's CUDA. `driver`: its version, or empty;
/// `driver_cuda`: the newest CUDA that it knows, 0 where its library cannot be loaded;
/// `runtime_cuda`: LibTorch's. CUDA's versions as CUDA writes them: 12080 is 12.8.
std::string describe_old_driver(const std::string& driver, int driver_cuda, int runtime_cuda);

/// Collective: what visible_gpus() gives on each rank. Where it fails, all ranks throw one
/// SharedError; it names the rank and its machine where others are well. `look`: for tests.
std::vector<VisibleGpu> visible_gpus_of_all(
    const World& world, const std::function<std::vector<VisibleGpu>()>& look = visible_gpus);

/// What one rank tells the others of itself.
struct RankView {
  int node = 0;
  int local_rank = 0;
  std::vector<VisibleGpu> gpus;
};

/// Who computes where.
struct DevicePlan {
  bool on_gpu = false;
  bool root_alone = false;   ///< one GPU for several ranks: the run goes on with rank 0
  std::vector<int> index;    ///< by rank: index among that rank's visible GPUs
  std::vector<int> sharing;  ///< by rank: how many ranks compute on its GPU
  int num_gpus = 0;          ///< distinct GPUs over the whole world that can be used
  std::string backend;       ///< of Collectives: local, mpi or nccl
};

/// A pure function of what the ranks see. `device`: auto, cuda or cpu; `backend`: auto, nccl or
/// mpi. GPUs that LibTorch has no code for are passed over. Throws DeviceError where ranks need
/// one of those, for more ranks than GPUs (but for the single-GPU fall-back, and mpi asked for by
/// name), and for cuda without any GPU.
DevicePlan plan_devices(const std::vector<RankView>& ranks, const std::string& device,
                        const std::string& backend);

/// Collective: gathers the views and plans. Throws plan_devices' errors as SharedError: every rank
/// comes to the same ones.
DevicePlan agree_on_devices(const World& world, const std::vector<VisibleGpu>& mine,
                            const std::string& device, const std::string& backend);

}  // namespace precis
