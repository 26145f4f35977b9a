// attention by ATen's fused kernels for variable lengths, on a GPU and without dropout: theirs goes
// by batch slot, and the memory-efficient one draws other numbers in backward than in forward.
// Private ATen signatures are called in attention_fused.cpp only.
#pragma once

#include "lib/ops/attention.h"

namespace precis::ops::fused {

/// Whether ATen has a kernel for these heads. head_size: a whole number of 16 bytes; flash
/// attention's most is 256.
bool attention_fits(int64_t head_size, const at::Tensor& qkv);
/// As those of attention.h.
AttentionState attention(const Segments& segments, int64_t n_head, const at::Tensor& qkv,
                         const at::Tensor& out, bool want_state);
void attention_backward(const Segments& segments, int64_t n_head, const AttentionState& state,
                        const AttentionTensors& tensors, const at::Tensor& grad_qkv);

}  // namespace precis::ops::fused
