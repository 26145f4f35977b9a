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

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "lib/comm/guarded_nccl.h"
#include "lib/comm/nccl_connect.h"
#include "lib/comm/nccl_session.h"
#include "lib/comm/world_impl.h"

namespace precis {
namespace {

static_assert(kNcclSuccess == ncclSuccess && kNcclInProgress == ncclInProgress);

/// The NCCL that is linked. Its results are passed on as they are.
class LinkedNccl : public NcclApi {
 public:
  explicit LinkedNccl(at::Device device)
      : device_(device),
        stream_(at::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index())) {}

  int unique_id(std::string& id) override {
    ncclUniqueId made{};
    const ncclResult_t result = ncclGetUniqueId(&made);
    id.assign(made.internal, sizeof(made.internal));
    return result;
  }
  int init(int size, const std::string& id, int rank) override {
    const c10::cuda::CUDAGuard guard(device_);
    ncclUniqueId shared{};
    std::memcpy(shared.internal, id.data(), std::min(id.size(), sizeof(shared.internal)));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    return ncclCommInitRankConfig(&comm_, size, shared, rank, &config);
  }
  bool has_communicator() const override { return comm_ != nullptr; }
  int async_error(int& state) override {
    ncclResult_t said = ncclSuccess;
    const ncclResult_t result = ncclCommGetAsyncError(comm_, &said);
    state = said;
    return result;
  }
  int all_reduce(float* data, int64_t numel) override {
    const c10::cuda::CUDAGuard guard(device_);
    return ncclAllReduce(data, data, static_cast<size_t>(numel), ncclFloat32, ncclSum, comm_,
                         stream_);
  }
  int finalize() override { return ncclCommFinalize(comm_); }
  int destroy() override { return ncclCommDestroy(std::exchange(comm_, nullptr)); }
  int abort() override { return ncclCommAbort(std::exchange(comm_, nullptr)); }

  std::string error_text(int result) override {
    const std::string general = ncclGetErrorString(static_cast<ncclResult_t>(result));
    const char* last = ncclGetLastError(nullptr);
    std::string_view words = last == nullptr ? "" : last;
    while (!words.empty() && (words.back() == '\n' || words.back() == '.')) words.remove_suffix(1);
    return words.empty() ? general : fmt::format("{}: {}", general, words);
  }

  void mark_end() override {
    end_.record(stream_);
    end_.block(at::cuda::getCurrentCUDAStream(device_.index()));
  }
  bool reached_end() override { return end_.query(); }

  const at::cuda::CUDAStream& stream() const { return stream_; }

 private:
  at::Device device_;
  ncclComm_t comm_ = nullptr;
  at::cuda::CUDAStream stream_;
  at::cuda::CUDAEvent end_;
};

class NcclCollectives : public Collectives {
 public:
  NcclCollectives(const World& world, at::Device device)
      : world_(world),
        device_(device),
        nccl_(device),
        guarded_(nccl_, world.impl()),
        session_(guarded_, [&world] { return world.impl().timeout.load(); }) {
    connect_together(world, session_);
  }

  std::string name() const override { return "nccl"; }
  at::Tensor allocate(int64_t numel, at::Device device) override {
    world_.impl().require_outside_together("Collectives.allocate");
    return at::zeros({numel}, at::TensorOptions(device).dtype(at::kFloat));
  }
  void start_all_reduce(const at::Tensor& part) override;
  void wait() override {
    world_.impl().require_outside_together("Collectives.wait");
    session_.wait();
  }

 private:
  const World& world_;
  at::Device device_;
  LinkedNccl nccl_;
  GuardedNccl guarded_;
  NcclSession session_;  // ends before nccl_, also when this object's constructor throws
};

void NcclCollectives::start_all_reduce(const at::Tensor& part) {
  world_.impl().require_outside_together("Collectives.start_all_reduce");
  // Orders what computed the piece before its sum, without stopping the host.
  at::cuda::CUDAEvent written;
  written.record(at::cuda::getCurrentCUDAStream(device_.index()));
  written.block(nccl_.stream());
  c10::cuda::CUDACachingAllocator::recordStream(part.storage().data_ptr(), nccl_.stream());
  session_.all_reduce(part.data_ptr<float>(), part.numel());
}

}  // namespace

std::unique_ptr<Collectives> make_nccl_collectives(const World& world, at::Device device) {
  return std::make_unique<NcclCollectives>(world, device);
}

}  // namespace precis
#endif  // PRECIS_HAS_CUDA
