// norm made of ATen's operators, for devices other than the CPU. They run on the CPU too, where
// tests hold them against our kernels.
#pragma once

#include "lib/ops/norm.h"

namespace precis::ops::aten {

/// As those of norm.h.
void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowDropout& drop,
                   const Norm& norm, const NormState& state, const at::Tensor& h);
/// Adds no grad_y_sums.
void residual_norm_backward(const at::Tensor& grad_h, const RowDropout& drop, const Norm& norm,
                            const NormState& state, const NormGradients& gradients);

}  // namespace precis::ops::aten
