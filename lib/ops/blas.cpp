#include "lib/ops/blas.h"

#include <ATen/ATen.h>

// LibTorch's builds with MKL export the standard BLAS name; where one does not, ATen does the
// product.
extern "C" __attribute__((weak)) void sgemm_(const char* trans_a, const char* trans_b, const int* m,
                                             const int* n, const int* k, const float* alpha,
                                             const float* a, const int* lda, const float* b,
                                             const int* ldb, const float* beta, float* c,
                                             const int* ldc);

namespace precis::cpu {
namespace {

at::Tensor wrap(Matrix a, int64_t rows, int64_t columns) {
  auto* data = const_cast<float*>(a.data);  // NOLINT: ATen has no tensors of const memory
  return a.transposed ? at::from_blob(data, {columns, rows}, {a.stride, 1}, at::kFloat).t()
                      : at::from_blob(data, {rows, columns}, {a.stride, 1}, at::kFloat);
}

}  // namespace

void multiply(int64_t m, int64_t n, int64_t k, float alpha, Matrix a, Matrix b, float beta,
              float* c, int64_t c_stride) {
  if (sgemm_ == nullptr) {
    at::Tensor out = at::from_blob(c, {m, n}, {c_stride, 1}, at::kFloat);
    at::addmm_out(out, out, wrap(a, m, k), wrap(b, k, n), beta, alpha);
    return;
  }
  // BLAS is column-major: it sees the transposes, so c^T = b^T a^T.
  const int rows = static_cast<int>(n), columns = static_cast<int>(m), inner = static_cast<int>(k);
  const int lda = static_cast<int>(b.stride), ldb = static_cast<int>(a.stride),
            ldc = static_cast<int>(c_stride);
  sgemm_(b.transposed ? "T" : "N", a.transposed ? "T" : "N", &rows, &columns, &inner, &alpha,
         b.data, &lda, a.data, &ldb, &beta, c, &ldc);
}

}  // namespace precis::cpu
