#include "lib/ops/linear.h"

#include <ATen/ATen.h>

#include "lib/ops/device_kernels.h"
#include "lib/ops/route.h"

namespace precis::ops {
namespace {

/// Whether ATen's product of this type runs at a reasonable rate. On CPUs without instructions for
/// bfloat16 it is a plain loop, fifty times slower than float32; then operands are widened, which
/// is what those instructions do inside.
bool multiplies_well(const at::Tensor& a) {
  if (!a.is_cpu() || a.scalar_type() == at::kFloat) return true;
#if defined(__x86_64__)
  return a.scalar_type() == at::kBFloat16 && __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

at::Tensor wide(const at::Tensor& a) {
  return a.to(at::kFloat);
}

void add_weight_gradient(const at::Tensor& grad_y, const at::Tensor& x, at::Tensor to) {
  if (grad_y.scalar_type() != at::kFloat && route_of(to) == Route::kDevice)
    return device::add_product(grad_y, x, to);
  at::addmm_out(to, to, wide(grad_y).t(), wide(x));
}

}  // namespace

void linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
            const at::Tensor& out) {
  at::Tensor to = out;
  if (!multiplies_well(x)) {
    const at::Tensor w = wide(weight).t();
    to.copy_(bias.defined() ? at::addmm(wide(bias), wide(x), w) : at::mm(wide(x), w));
  } else if (bias.defined()) {
    at::addmm_out(to, bias, x, weight.t());
  } else {
    at::mm_out(to, x, weight.t());
  }
}

void linear_backward(const at::Tensor& grad_y, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& grad_weight, const at::Tensor& grad_x) {
  if (grad_weight.defined()) add_weight_gradient(grad_y, x, grad_weight);
  if (!grad_x.defined()) return;
  at::Tensor out = grad_x;
  if (multiplies_well(grad_y))
    at::mm_out(out, grad_y, weight);
  else
    out.copy_(at::mm(wide(grad_y), wide(weight)));
}

}  // namespace precis::ops
