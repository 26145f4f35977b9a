#include "lib/ops/gelu.h"

#include <ATen/ATen.h>

#include "lib/ops/device_kernels.h"
#include "lib/ops/route.h"
#include "lib/ops/sums.h"

namespace precis::ops {
namespace {

bool takes_kernel(const at::Tensor& x) {
  return route_of(x) == Route::kDevice && device::gelu_fits(x);
}

}  // namespace

void gelu(const at::Tensor& x, bool tanh, const at::Tensor& out) {
  if (takes_kernel(x)) return device::gelu(x, tanh, out);
  at::Tensor to = out;
  at::gelu_out(to, x, tanh ? "tanh" : "none");
}

void gelu_backward(const at::Tensor& grad_y, const at::Tensor& x, bool tanh,
                   const at::Tensor& grad_x, const at::Tensor& grad_x_sums) {
  if (takes_kernel(x)) return device::gelu_backward(grad_y, x, tanh, grad_x, grad_x_sums);
  at::Tensor to = grad_x;
  at::gelu_backward_out(to, grad_y, x, tanh ? "tanh" : "none");
  if (grad_x_sums.defined()) add_column_sums(grad_x, grad_x_sums);
}

}  // namespace precis::ops
