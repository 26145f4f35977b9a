#include "lib/ops/cross_entropy_aten.h"

#include <ATen/ATen.h>

namespace precis::ops::aten {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets, double scale) {
  const at::Tensor log_p = logits.to(at::kFloat).log_softmax(-1);
  const at::Tensor index = targets.unsqueeze(1);
  const at::Tensor loss = log_p.gather(1, index).to(at::kDouble).sum().neg();
  if (scale != 0) {
    at::Tensor grad = log_p.exp();
    grad.scatter_add_(1, index, at::full({1, 1}, -1.0, grad.options()).expand_as(index));
    at::Tensor(logits).copy_(grad.mul_(scale));
  }
  return loss;
}

}  // namespace precis::ops::aten
