// NCCL's calls under the world's deadline.
#pragma once

#include <string>

#include "lib/comm/nccl_api.h"
#include "lib/comm/world_impl.h"

namespace precis {

/// Passes all calls on. NcclSession limits the time of what NCCL is doing; this limits the calls
/// themselves, none of which should block, and some of which did when a peer was dead: where one
/// does not return, all ranks end.
class GuardedNccl : public NcclApi {
 public:
  /// Both must outlive this.
  GuardedNccl(NcclApi& api, World::Impl& world) : api_(api), world_(world) {}

  int unique_id(std::string& id) override {
    const Deadline deadline(world_, "ncclGetUniqueId");
    return api_.unique_id(id);
  }
  int init(int size, const std::string& id, int rank) override {
    const Deadline deadline(world_, "ncclCommInitRankConfig");
    return api_.init(size, id, rank);
  }
  bool has_communicator() const override { return api_.has_communicator(); }
  int async_error(int& state) override {
    const Deadline deadline(world_, "ncclCommGetAsyncError");
    return api_.async_error(state);
  }
  int all_reduce(float* data, int64_t numel) override {
    const Deadline deadline(world_, "ncclAllReduce");
    return api_.all_reduce(data, numel);
  }
  int finalize() override {
    const Deadline deadline(world_, "ncclCommFinalize");
    return api_.finalize();
  }
  int destroy() override {
    const Deadline deadline(world_, "ncclCommDestroy");
    return api_.destroy();
  }
  int abort() override {
    const Deadline deadline(world_, "ncclCommAbort");
    return api_.abort();
  }
  std::string error_text(int result) override { return api_.error_text(result); }
  void mark_end() override { api_.mark_end(); }
  bool reached_end() override {
    const Deadline deadline(world_, "cudaEventQuery");
    return api_.reached_end();
  }

 private:
  NcclApi& api_;
  World::Impl& world_;
};

}  // namespace precis
