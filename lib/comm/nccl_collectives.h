// Sums over GPUs with NCCL, one rank a GPU. Only in builds with CUDA.
#pragma once

#include <memory>

#include "lib/comm/collectives.h"

namespace precis {

/// Collective. The root's NCCL id goes round by MPI; initialisation is non-blocking, with the
/// world's time-out and an abort behind it.
std::unique_ptr<Collectives> make_nccl_collectives(const World& world, at::Device device);

}  // namespace precis
