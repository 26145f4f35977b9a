#include "lib/ops/embedding_aten.h"

#include <ATen/ATen.h>

#include "lib/ops/dropout_aten.h"

namespace precis::ops::aten {

void embed(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& wte,
           const at::Tensor& wpe, const at::Tensor& out) {
  at::Tensor to = out;
  at::index_select_out(to, wte, 0, tokens);
  to.add_(wpe.index_select(0, drop.rows.positions));
  if (drop.dropout.active()) to.mul_(dropout_multipliers(drop.rows, drop.dropout, to.size(1)));
}

void embed_backward(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& grad_out,
                    const at::Tensor& grad_wte, const at::Tensor& grad_wpe) {
  const at::Tensor grad =
      drop.dropout.active()
          ? grad_out * dropout_multipliers(drop.rows, drop.dropout, grad_out.size(1))
          : grad_out;
  if (grad_wte.defined()) at::Tensor(grad_wte).index_add_(0, tokens, grad);
  if (grad_wpe.defined()) at::Tensor(grad_wpe).index_add_(0, drop.rows.positions, grad);
}

}  // namespace precis::ops::aten
