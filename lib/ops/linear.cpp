#include "lib/ops/linear.h"

#include <ATen/ATen.h>

#include "lib/ops/sums.h"

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
  if (grad_y.scalar_type() == at::kFloat)
    at::addmm_out(to, to, grad_y.t(), x.to(at::kFloat));
  else
    to.add_(at::mm(grad_y.t(), x));  // products in the low precision accumulate in float32 inside,
                                     // and across micro-batches here
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
                     const at::Tensor& grad_weight, const at::Tensor& grad_bias,
                     const at::Tensor& grad_x) {
  const bool well = multiplies_well(grad_y);
  const at::Tensor dy = well ? grad_y : wide(grad_y);
  if (grad_weight.defined()) add_weight_gradient(dy, x, grad_weight);
  if (grad_bias.defined()) add_column_sums(grad_y, grad_bias);
  if (!grad_x.defined()) return;
  at::Tensor out = grad_x;
  if (well)
    at::mm_out(out, grad_y, weight);
  else
    out.copy_(at::mm(dy, wide(weight)));
}

}  // namespace precis::ops
