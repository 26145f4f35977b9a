// norm made of ATen's operators, for devices other than the CPU. They run on the CPU too, where
// tests hold them against our kernels.
#pragma once

#include "lib/ops/norm.h"

namespace precis::ops::aten {

/// As those of norm.h.
void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowIds& rows, Dropout dropout,
                   const Norm& norm, const NormState& state, const at::Tensor& h);
void residual_norm_backward(const at::Tensor& grad_h, const RowIds& rows, Dropout dropout,
                            const Norm& norm, const NormState& state, const at::Tensor& residual,
                            const at::Tensor& grad_y, const Norm& grads);

}  // namespace precis::ops::aten
