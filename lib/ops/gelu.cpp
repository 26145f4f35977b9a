#include "lib/ops/gelu.h"

#include <ATen/ATen.h>

#include "lib/base/profile.h"
#include "lib/ops/device_kernels.h"
#include "lib/ops/gelu_cpu.h"
#include "lib/ops/route.h"
#include "lib/ops/sums.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {
namespace {

bool takes_device_kernel(const at::Tensor& x) {
  return route_of(x) == Route::kDevice && device::gelu_fits(x);
}

}  // namespace

void gelu(const at::Tensor& x, bool tanh, const at::Tensor& out) {
  const ProfileScope scope(Part::kGelu);
  if (takes_device_kernel(x)) return device::gelu(x, tanh, out);
  if (route_of(x) == Route::kCpu)
    return with_element(x.scalar_type(), [&]<typename T>(T) {
      cpu::gelu<T>(x.numel(), data_or_null<T>(x), tanh, data_or_null<T>(out));
    });
  at::Tensor to = out;
  at::gelu_out(to, x, tanh ? "tanh" : "none");
}

void gelu_backward(const at::Tensor& grad_y, const at::Tensor& x, bool tanh,
                   const at::Tensor& grad_x, const at::Tensor& grad_x_sums) {
  const ProfileScope scope(Part::kGelu);
  if (takes_device_kernel(x)) return device::gelu_backward(grad_y, x, tanh, grad_x, grad_x_sums);
  if (route_of(x) == Route::kCpu)
    return with_element(x.scalar_type(), [&]<typename T>(T) {
      cpu::gelu_backward<T>(x.size(0), x.size(1), tanh,
                            {data_or_null<T>(grad_y), data_or_null<T>(x), data_or_null<T>(grad_x),
                             data_or_null<float>(grad_x_sums)});
    });
  at::Tensor to = grad_x;
  at::gelu_backward_out(to, grad_y, x, tanh ? "tanh" : "none");
  if (grad_x_sums.defined()) add_column_sums(grad_x, grad_x_sums);
}

}  // namespace precis::ops
