// Residual sum and layer norm, on the CPU over raw memory. Arrays are row-major; T is float,
// c10::BFloat16 or c10::Half; what sums or flows along the residual stream is float32. Results do
// not depend on the number of threads.
#pragma once

#include <cstdint>

#include "lib/ops/dropout.h"
#include "lib/ops/rows_cpu.h"

namespace precis::cpu {

/// A norm with the residual sum before it.
struct NormShape {
  int64_t n, c;
  double epsilon;
};
/// x_out = x_in + drop(y) (y null: x_out is x_in, not written); h = layer_norm(x_out) * weight +
/// bias (bias may be null).
template <typename T>
struct NormForward {
  const float* x_in;
  const T* y;
  const float *weight, *bias;
  float* x_out;
  T* h;
  float *mean, *rstd;  ///< [N]
};
template <typename T>
void residual_norm(NormShape shape, RowIds rows, Dropout dropout, const NormForward<T>& a);
/// Backward: residual += gradient through the norm; grad_y = drop'(residual) (null: skipped);
/// weight and bias gradients are added (null: not wanted). Sums over rows are made in pieces of
/// always the same rows, so they do not depend on the number of threads.
template <typename T>
struct NormBackward {
  const T* grad_h;
  const float *x, *mean, *rstd, *weight;
  float* residual;  ///< [N, C], in: gradient of x_out from above; out: with the norm's added
  T* grad_y;
  float *grad_weight, *grad_bias;
  float* grad_y_sums;  ///< of columns, added; null: not wanted
};
template <typename T>
void residual_norm_backward(NormShape shape, RowIds rows, Dropout dropout,
                            const NormBackward<T>& a);

}  // namespace precis::cpu
