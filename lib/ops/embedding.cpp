#include "lib/ops/embedding.h"

#include "lib/ops/embedding_aten.h"
#include "lib/ops/embedding_cpu.h"

namespace precis::ops {

void embed(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& wte,
           const at::Tensor& wpe, Dropout dropout, const at::Tensor& out) {
  if (!out.is_cpu()) return aten::embed(tokens, rows, wte, wpe, dropout, out);
  cpu::embed(out.size(0), out.size(1), data_or_null<int64_t>(tokens), rows.raw(),
             data_or_null<float>(wte), data_or_null<float>(wpe), dropout, data_or_null<float>(out));
}

void embed_backward(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& grad_out,
                    Dropout dropout, const at::Tensor& grad_wte, const at::Tensor& grad_wpe) {
  if (!grad_out.is_cpu())
    return aten::embed_backward(tokens, rows, grad_out, dropout, grad_wte, grad_wpe);
  cpu::embed_backward(grad_out.size(0), grad_out.size(1), data_or_null<int64_t>(tokens), rows.raw(),
                      data_or_null<float>(grad_out), dropout, data_or_null<float>(grad_wte),
                      data_or_null<float>(grad_wpe));
}

}  // namespace precis::ops
