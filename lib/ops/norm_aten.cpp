#include "lib/ops/norm_aten.h"

#include <ATen/ATen.h>

#include "lib/ops/dropout_aten.h"

namespace precis::ops::aten {

void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowDropout& drop,
                   const Norm& norm, const NormState& state, const at::Tensor& h) {
  at::Tensor x = state.x;
  if (y.defined()) {
    if (drop.dropout.active())
      at::addcmul_out(x, x_in, y.to(at::kFloat),
                      dropout_multipliers(drop.rows, drop.dropout, x.size(1)));
    else
      at::add_out(x, x_in, y.to(at::kFloat));
  }
  auto [out, mean, rstd] =
      at::native_layer_norm(x, {x.size(1)}, norm.weight, norm.bias, norm.epsilon);
  at::Tensor(h).copy_(out);
  if (state.mean.defined()) {
    at::Tensor(state.mean).copy_(mean.view(-1));
    at::Tensor(state.rstd).copy_(rstd.view(-1));
  }
}

void residual_norm_backward(const at::Tensor& grad_h, const RowDropout& drop, const Norm& norm,
                            const NormState& state, const NormGradients& gradients) {
  const auto& [residual, grad_y, grad_y_sums, grads] = gradients;
  const auto [grad_x, grad_weight, grad_bias] = at::native_layer_norm_backward(
      grad_h.to(at::kFloat), state.x, {state.x.size(1)}, state.mean.unsqueeze(1),
      state.rstd.unsqueeze(1), norm.weight, norm.bias,
      {true, grads.weight.defined(), grads.bias.defined()});
  at::Tensor(residual).add_(grad_x);
  if (grads.weight.defined()) at::Tensor(grads.weight).add_(grad_weight);
  if (grads.bias.defined()) at::Tensor(grads.bias).add_(grad_bias);
  if (!grad_y.defined()) return;
  if (drop.dropout.active())
    at::Tensor(grad_y).copy_(residual *
                             dropout_multipliers(drop.rows, drop.dropout, residual.size(1)));
  else
    at::Tensor(grad_y).copy_(residual);
}

}  // namespace precis::ops::aten
