// Matrix products of linear layers: ATen's on every device. Shapes: R rows; x [R, in], weight [out,
// in] as torch's Linear, out [R, out]; all in the compute dtype T but gradients of parameters,
// which are float32.
#pragma once

#include <ATen/core/Tensor.h>

namespace precis::ops {

/// out = x @ weight^T + bias (bias may be undefined), all in T.
void linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
            const at::Tensor& out);
/// grad_weight += grad_y^T @ x, grad_bias += column sums (float32); grad_x = grad_y @ weight. Each
/// of the three is left out where it is undefined.
void linear_backward(const at::Tensor& grad_y, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& grad_weight, const at::Tensor& grad_bias,
                     const at::Tensor& grad_x);

}  // namespace precis::ops
