// Products that cuBLAS adds up in float32, whatever their operands are.
#ifdef PRECIS_HAS_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/Exceptions.h>
#include <cublas_v2.h>

#include "lib/ops/device_kernels.h"

namespace precis::ops::device {
namespace {

cudaDataType_t type_of(const at::Tensor& a) {
  return a.scalar_type() == at::kHalf       ? CUDA_R_16F
         : a.scalar_type() == at::kBFloat16 ? CUDA_R_16BF
                                            : CUDA_R_32F;
}

}  // namespace

void add_product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& to) {
  // cuBLAS has columns where we have rows: to^T [in, out] += b^T [in, R] @ a [R, out].
  const auto out = static_cast<int>(to.size(0)), in = static_cast<int>(to.size(1)),
             rows = static_cast<int>(a.size(0));
  if (rows == 0) return;
  const float one = 1;
  TORCH_CUDABLAS_CHECK(cublasGemmEx(
      at::cuda::getCurrentCUDABlasHandle(), CUBLAS_OP_N, CUBLAS_OP_T, in, out, rows, &one,
      b.const_data_ptr(), type_of(b), static_cast<int>(b.stride(0)), a.const_data_ptr(), type_of(a),
      static_cast<int>(a.stride(0)), &one, to.data_ptr(), CUDA_R_32F,
      static_cast<int>(to.stride(0)), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
}

}  // namespace precis::ops::device
#endif
