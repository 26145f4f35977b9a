// Token and position embeddings. Shapes: N rows, C channels, V vocabulary, P positions: tokens [N],
// wte [V, C], wpe [P, C], out [N, C]. Source: nanoGPT's model.py, GPT.forward.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/row_ids.h"

namespace precis::ops {

/// out = drop(wte[tokens] + wpe[positions]), float32.
void embed(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& wte,
           const at::Tensor& wpe, const at::Tensor& out);
/// Adds to the gradients; one that is undefined is not wanted.
void embed_backward(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& grad_out,
                    const at::Tensor& grad_wte, const at::Tensor& grad_wpe);

}  // namespace precis::ops
