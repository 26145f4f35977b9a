// Matrix products of linear layers: ATen's; on a GPU cuBLASLt's, with what follows a product made
// in the same kernel, where that has an algorithm for it. Shapes: R rows; x [R, in], weight
// [out, in] as torch's Linear, out [R, out]; all in the compute dtype T but gradients of
// parameters, which are float32.
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

/// linear and gelu (gelu.h): pre [R, out] = x @ weight^T + bias, out = gelu(pre). A product that
/// makes the GELU itself makes it from what it did not round to T yet.
void linear_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool tanh,
                 const at::Tensor& pre, const at::Tensor& out);
/// linear_backward's grad_x through the GELU whose output the layer took: grad_pre [R, in] =
/// (grad_y @ weight) * gelu'(pre), and grad_pre_sums [in] float32 += its column sums; undefined:
/// not wanted.
void linear_gelu_backward(const at::Tensor& grad_y, const at::Tensor& weight, const at::Tensor& pre,
                          bool tanh, const at::Tensor& grad_pre, const at::Tensor& grad_pre_sums);

}  // namespace precis::ops
