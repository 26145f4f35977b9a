// Our own CUDA kernels. Only where nvcc was there at build time (PRECIS_HAS_CUDA_KERNELS). Neither
// this file nor cuda_kernels.cu sees LibTorch: nvcc reads every header once for each GPU
// architecture.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "lib/ops/dropout.h"

namespace precis::cuda {

/// The rows of an [N, C] tensor as dropout knows them, on the device.
struct DropoutRows {
  const int64_t* keys = nullptr;       ///< [N]
  const int64_t* positions = nullptr;  ///< [N]
  int64_t n = 0;
};

/// Writes the multipliers of dropout, the numbers of ops::device::dropout_multipliers, to `out`,
/// [N, C] on the device, in one launch on `stream`. Returns CUDA's error of the launch.
cudaError_t dropout_multipliers(const DropoutRows& rows, Dropout dropout, int64_t c, float* out,
                                cudaStream_t stream);

}  // namespace precis::cuda
