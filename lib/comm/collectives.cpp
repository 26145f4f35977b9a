#include "lib/comm/collectives.h"

#include <ATen/ATen.h>

#include "lib/comm/mpi_collectives.h"
#include "lib/comm/world_impl.h"
#ifdef PRECIS_HAS_CUDA
#include "lib/comm/nccl_collectives.h"
#endif

namespace precis {
namespace {

/// A world of one: every sum is there already.
class LocalCollectives : public Collectives {
 public:
  explicit LocalCollectives(const World& world) : world_(world) {}

  std::string name() const override { return "local"; }
  at::Tensor allocate(int64_t numel, at::Device device) override {
    require("Collectives.allocate");
    return at::zeros({numel}, at::TensorOptions(device).dtype(at::kFloat));
  }
  void start_all_reduce(const at::Tensor&) override { require("Collectives.start_all_reduce"); }
  void wait() override { require("Collectives.wait"); }

 private:
  /// Refuses what would go wrong with other ranks.
  void require(const char* call) const { world_.impl().require_outside_together(call); }

  const World& world_;
};

}  // namespace

Fields CommConfig::fields() {
  return {
      {"backend",
       &backend,
       "collectives between ranks: auto (nccl with one GPU a rank, else mpi), nccl or mpi",
       {.choices = {"auto", "nccl", "mpi"}}},
      {"timeout_seconds",
       &timeout_seconds,
       "how long a rank waits for the others before all end with exit code 4",
       {.above = 0}},
      {"bucket_megabytes",
       &bucket_megabytes,
       "gradients are summed over ranks in pieces of this size, begun during backward",
       {.above = 0}},
  };
}

std::unique_ptr<Collectives> make_collectives(const std::string& backend, const World& world,
                                              at::Device device) {
  world.impl().require_outside_together("make_collectives");
  if (world.size() == 1) return std::make_unique<LocalCollectives>(world);
#ifdef PRECIS_HAS_CUDA
  if (backend == "nccl") return make_nccl_collectives(world, device);
  if (backend == "mpi" && device.is_cuda())
    return std::make_unique<MpiCollectives>(world, make_cuda_copies(device));
#else
  (void)device;
#endif
  if (backend == "mpi") return std::make_unique<MpiCollectives>(world);
  throw DeviceError(
      "this build of Precis has no NCCL: comm.backend=mpi works, or build with CUDA's libraries");
}

}  // namespace precis
