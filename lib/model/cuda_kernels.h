// Our own CUDA kernels. Only where nvcc was there at build time (PRECIS_HAS_CUDA_KERNELS).
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/model/dropout.h"

namespace precis::cuda {

/// Multipliers of dropout, [N, C] float32 on the keys' device: the numbers of
/// ops::device::dropout_multipliers, in one launch.
at::Tensor dropout_multipliers(const at::Tensor& keys, const at::Tensor& positions, Dropout dropout,
                               int64_t c);

}  // namespace precis::cuda
