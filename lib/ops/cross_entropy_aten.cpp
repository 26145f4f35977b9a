#include "lib/ops/cross_entropy_aten.h"

#include <ATen/ATen.h>

namespace precis::ops::aten {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const GradientScale& scale) {
  const at::Tensor log_p = logits.to(at::kFloat).log_softmax(-1);
  const at::Tensor index = targets.clamp_min(0).unsqueeze(1), idle = targets.lt(0).unsqueeze(1);
  const at::Tensor loss = log_p.gather(1, index).masked_fill_(idle, 0).to(at::kDouble).sum().neg();
  if (scale.is_wanted()) {
    at::Tensor grad = log_p.exp();
    grad.scatter_add_(1, index, at::full({1, 1}, -1.0, grad.options()).expand_as(index));
    grad.masked_fill_(idle, 0);
    at::Tensor(logits).copy_(scale.tensor.defined() ? grad.mul_(scale.tensor)
                                                    : grad.mul_(scale.number));
  }
  return loss;
}

}  // namespace precis::ops::aten
