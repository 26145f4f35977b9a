#ifdef PRECIS_HAS_CUDA
#include "lib/comm/nccl_collectives.h"

#include <ATen/ATen.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <fmt/format.h>
#include <nccl.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "lib/comm/world_impl.h"

namespace precis {
namespace {

using Clock = std::chrono::steady_clock;

class NcclCollectives : public Collectives {
 public:
  NcclCollectives(const World& world, at::Device device);
  NcclCollectives(const NcclCollectives&) = delete;
  NcclCollectives& operator=(const NcclCollectives&) = delete;
  ~NcclCollectives() override;

  std::string name() const override { return "nccl"; }
  at::Tensor allocate(int64_t numel, at::Device device) override;
  void start_all_reduce(const at::Tensor& part) override;
  void wait() override;

 private:
  /// Waits until the communicator has nothing in progress; throws when it failed or time is out.
  void settle(ncclResult_t result, const char* what);
  [[noreturn]] void fail(ncclResult_t result, const char* what);

  const World& world_;
  at::Device device_;
  ncclComm_t comm_ = nullptr;
  at::cuda::CUDAStream stream_;
};

NcclCollectives::NcclCollectives(const World& world, at::Device device)
    : world_(world),
      device_(device),
      stream_(at::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index())) {
  const c10::cuda::CUDAGuard guard(device);
  ncclUniqueId id{};
  std::string bytes;
  if (world.is_root()) {
    if (const ncclResult_t result = ncclGetUniqueId(&id); result != ncclSuccess)
      fail(result, "make its id");
    bytes.assign(id.internal, sizeof(id.internal));
  }
  bytes = world.broadcast(bytes);
  std::memcpy(id.internal, bytes.data(), sizeof(id.internal));
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  settle(ncclCommInitRankConfig(&comm_, world.size(), id, world.rank(), &config),
         "connect the GPUs");
}

NcclCollectives::~NcclCollectives() {
  if (comm_ == nullptr) return;
  ncclCommFinalize(comm_);
  const auto limit = Clock::now() + std::chrono::seconds(30);
  ncclResult_t state = ncclInProgress;
  while (Clock::now() < limit && ncclCommGetAsyncError(comm_, &state) == ncclSuccess &&
         state == ncclInProgress)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (state == ncclSuccess)
    ncclCommDestroy(comm_);
  else
    ncclCommAbort(comm_);
}

void NcclCollectives::fail(ncclResult_t result, const char* what) {
  const std::string reason = ncclGetErrorString(result);
  if (comm_ != nullptr) ncclCommAbort(std::exchange(comm_, nullptr));
  throw DeviceError(fmt::format(
      "NCCL could not {}: {} (NCCL_DEBUG=INFO tells more; comm.backend=mpi does without NCCL)",
      what, reason));
}

void NcclCollectives::settle(ncclResult_t result, const char* what) {
  const auto limit = Clock::now() + std::chrono::duration<double>(world_.impl().timeout.load());
  while (result == ncclInProgress) {
    if (Clock::now() > limit)
      fail(ncclSystemError,
           "connect in time: another rank died or hangs, or the network between them is closed");
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = ncclCommGetAsyncError(comm_, &state);
    result = asked == ncclSuccess ? state : asked;
  }
  if (result != ncclSuccess) fail(result, what);
}

at::Tensor NcclCollectives::allocate(int64_t numel, at::Device device) {
  world_.impl().require_outside_together("Collectives.allocate");
  return at::zeros({numel}, at::TensorOptions(device).dtype(at::kFloat));
}

void NcclCollectives::start_all_reduce(const at::Tensor& part) {
  world_.impl().require_outside_together("Collectives.start_all_reduce");
  const c10::cuda::CUDAGuard guard(device_);
  at::cuda::CUDAEvent
      written;  // orders what computed the piece before its sum, without stopping the host
  written.record(at::cuda::getCurrentCUDAStream(device_.index()));
  written.block(stream_);
  c10::cuda::CUDACachingAllocator::recordStream(part.storage().data_ptr(), stream_);
  settle(ncclAllReduce(part.data_ptr(), part.data_ptr(), static_cast<size_t>(part.numel()),
                       ncclFloat32, ncclSum, comm_, stream_),
         "sum gradients");
}

void NcclCollectives::wait() {
  world_.impl().require_outside_together("Collectives.wait");
  at::cuda::CUDAEvent summed;
  summed.record(stream_);
  summed.block(at::cuda::getCurrentCUDAStream(device_.index()));
  // The host waits too, but not for ever: a peer that died leaves the kernel spinning.
  const auto limit = Clock::now() + std::chrono::duration<double>(world_.impl().timeout.load());
  while (!summed.query()) {
    ncclResult_t state = ncclSuccess;
    if (ncclCommGetAsyncError(comm_, &state) != ncclSuccess ||
        (state != ncclSuccess && state != ncclInProgress))
      fail(state, "sum gradients");
    if (Clock::now() > limit)
      fail(ncclSystemError, "sum gradients in time: another rank died or hangs");
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

}  // namespace

std::unique_ptr<Collectives> make_nccl_collectives(const World& world, at::Device device) {
  return std::make_unique<NcclCollectives>(world, device);
}

}  // namespace precis
#endif  // PRECIS_HAS_CUDA
