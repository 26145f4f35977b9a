// attention made of ATen's operators, one head of one sample at a time: slow, and right on every
// device.
#pragma once

#include "lib/ops/attention.h"

namespace precis::ops::aten {

/// As those of attention.h.
AttentionState attention(const Segments& segments, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state);
void attention_backward(const Segments& segments, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const AttentionTensors& tensors,
                        const at::Tensor& grad_qkv);

}  // namespace precis::ops::aten
