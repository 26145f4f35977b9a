// Matrix products on raw float32 memory, for use inside at::parallel_for (where ATen's own cost
// more to call than to run).
#pragma once

#include <cstdint>

namespace precis::cpu {

/// A row-major matrix in memory: element (i, j) at data[i * stride + j].
struct Matrix {
  const float* data;
  int64_t stride;
  bool transposed = false;  ///< take its transpose
};

/// c [m, n] = alpha * a [m, k] @ b [k, n] + beta * c.
void multiply(int64_t m, int64_t n, int64_t k, float alpha, Matrix a, Matrix b, float beta,
              float* c, int64_t c_stride);

}  // namespace precis::cpu
