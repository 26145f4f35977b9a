// Our kernels for GPUs, compiled for the executor: a test that links this runs them on the CPU's
// tensors where a RouteGuard says kDevice.
#include <ATen/ATen.h>

#include <algorithm>

#include "tests/support/executor.h"

// After the executor, whose launch they use:
#include "lib/ops/attention_cuda.cu"
#include "lib/ops/cached_attention_cuda.cu"
#include "lib/ops/cross_entropy_cuda.cu"
#include "lib/ops/embedding_cuda.cu"
#include "lib/ops/gelu_cuda.cu"
#include "lib/ops/norm_cuda.cu"
#include "lib/ops/sums_cuda.cu"

namespace precis::ops::device {

void add_product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& to) {
  at::Tensor(to).addmm_(a.to(at::kFloat).t(), b.to(at::kFloat));  // in place of cuBLAS
}

}  // namespace precis::ops::device
