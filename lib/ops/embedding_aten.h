// embedding made of ATen's operators, for devices other than the CPU. They run on the CPU too,
// where tests hold them against our kernels.
#pragma once

#include "lib/ops/embedding.h"

namespace precis::ops::aten {

/// As those of embedding.h.
void embed(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& wte,
           const at::Tensor& wpe, const at::Tensor& out);
void embed_backward(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& grad_out,
                    const at::Tensor& grad_wte, const at::Tensor& grad_wpe);

}  // namespace precis::ops::aten
