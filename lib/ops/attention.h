// Causal attention of each sample within itself. Shapes: N rows of all samples, C = H heads of D
// channels, T the compute dtype: qkv [N, 3C] holds q, k and v of all heads, out [N, C]. Source:
// Vaswani et al., Attention Is All You Need, 2017; Dao et al., FlashAttention, 2022.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/dropout.h"
#include "lib/ops/segments.h"

namespace precis::ops {

/// What attention's backward needs besides its inputs and output. seed and offset: what ATen's
/// fused kernels return; nothing is drawn from them.
struct AttentionState {
  at::Tensor log_sum_exp, seed, offset;
};
/// What attention read and made, and the gradient of what it made.
struct AttentionTensors {
  const at::Tensor &qkv, &out, &grad_out;
};
/// out [N, C] from qkv [N, 3C]; `want_state`: backward follows.
AttentionState attention(const Segments& segments, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state);
void attention_backward(const Segments& segments, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const AttentionTensors& tensors,
                        const at::Tensor& grad_qkv);

}  // namespace precis::ops
