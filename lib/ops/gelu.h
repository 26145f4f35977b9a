// The activation of GPT-2's MLP, elementwise. Shapes: R rows, C channels: all tensors [R, C], one
// row behind the other, in the compute dtype. Source: Hendrycks and Gimpel, Gaussian Error Linear
// Units, 2016.
#pragma once

#include <ATen/core/Tensor.h>

namespace precis::ops {

/// `tanh`: OpenAI's approximation ("gelu_new"), else exact.
void gelu(const at::Tensor& x, bool tanh, const at::Tensor& out);
/// grad_x may be grad_y's own memory. grad_x_sums [C] float32: the column sums of grad_x are added,
/// the gradient of a bias that was added to x; undefined: not wanted.
void gelu_backward(const at::Tensor& grad_y, const at::Tensor& x, bool tanh,
                   const at::Tensor& grad_x, const at::Tensor& grad_x_sums);

}  // namespace precis::ops
