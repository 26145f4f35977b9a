#include "lib/ops/gelu.h"

#include <ATen/ATen.h>

namespace precis::ops {

void gelu(const at::Tensor& x, bool tanh, const at::Tensor& out) {
  at::Tensor to = out;
  at::gelu_out(to, x, tanh ? "tanh" : "none");
}

void gelu_backward(const at::Tensor& grad_y, const at::Tensor& x, bool tanh,
                   const at::Tensor& grad_x) {
  at::Tensor to = grad_x;
  at::gelu_backward_out(to, grad_y, x, tanh ? "tanh" : "none");
}

}  // namespace precis::ops
