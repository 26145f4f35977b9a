// Tensors between ranks: local (one rank), mpi and nccl behind one interface, so that callers never
// ask whether there are others.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "lib/base/fields.h"
#include "lib/comm/world.h"

namespace precis {

struct CommConfig {
  std::string backend = "auto";
  double timeout_seconds = kDefaultTimeout;
  double bucket_megabytes = 16;
  Fields fields();
};

/// Operations on float32 tensors over all ranks of a World. Every rank makes the same calls in the
/// same order, and none inside World::together (std::logic_error).
class Collectives {
 public:
  virtual ~Collectives() = default;
  virtual std::string name() const = 0;

  /// A zeroed float32 tensor [numel] placed where start_all_reduce is fastest. Valid as long as
  /// this object.
  virtual at::Tensor allocate(int64_t numel, at::Device device) = 0;
  /// Begins to sum a contiguous tensor over ranks, in place; the caller must not touch it until
  /// wait(). Best: a piece of an allocated one.
  virtual void start_all_reduce(const at::Tensor& part) = 0;
  /// All sums begun are there, the same bits on every rank.
  virtual void wait() = 0;
};

/// backend: "local" for a world of one; "mpi" (GPU tensors are staged through the host) or "nccl"
/// (one GPU a rank).
std::unique_ptr<Collectives> make_collectives(const std::string& backend, const World& world,
                                              at::Device device);

}  // namespace precis
