// The operations of ops.h made of ATen's operators, for devices other than the CPU. They run on the
// CPU too, where tests hold them against our kernels. Private ATen signatures (variable-length
// attention) are called in device_ops.cpp only.
#pragma once

#include "lib/model/ops.h"

namespace precis::ops::device {

/// Multipliers of dropout, [N, C] float32: 0 or the scale; the same numbers as
/// cpu::dropout_multipliers gives for plane 0.
at::Tensor dropout_multipliers(const RowIds& rows, Dropout dropout, int64_t c);

void embed(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& wte,
           const at::Tensor& wpe, Dropout dropout, const at::Tensor& out);
void embed_backward(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& grad_out,
                    Dropout dropout, const at::Tensor& grad_wte, const at::Tensor& grad_wpe);
void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowIds& rows, Dropout dropout,
                   const Norm& norm, const NormState& state, const at::Tensor& h);
void residual_norm_backward(const at::Tensor& grad_h, const RowIds& rows, Dropout dropout,
                            const Norm& norm, const NormState& state, const at::Tensor& residual,
                            const at::Tensor& grad_y, const Norm& grads);
AttentionState attention(const RaggedBatch& batch, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state);
void attention_backward(const RaggedBatch& batch, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const at::Tensor& qkv, const at::Tensor& out,
                        const at::Tensor& grad_out, const at::Tensor& grad_qkv);
void cached_attention(const CacheTable& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out);
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets, double scale);

}  // namespace precis::ops::device
