// Matrix products of linear layers: ATen's on every device. Shapes: R rows; x [R, in], weight [out,
// in] as torch's Linear, out [R, out]; all in the compute dtype T but gradients of parameters,
// which are float32.
#pragma once

#include <ATen/core/Tensor.h>

namespace precis::ops {

/// out = x @ weight^T + bias (bias may be undefined), all in T.
void linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
            const at::Tensor& out);
/// grad_weight += grad_y^T @ x, added up in float32 (a sum in T would be rounded, and in float16
/// may leave its range); grad_x = grad_y @ weight. Either is left out where it is undefined. The
/// gradient of a bias is add_column_sums of grad_y, or comes with grad_y from the operation that
/// made it.
void linear_backward(const at::Tensor& grad_y, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& grad_weight, const at::Tensor& grad_x);

}  // namespace precis::ops
