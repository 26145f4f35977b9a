// attention made of ATen's operators, for devices other than the CPU. They run on the CPU too,
// where tests hold them against our kernels. Private ATen signatures (variable-length attention)
// are called in attention_aten.cpp only.
#pragma once

#include "lib/ops/attention.h"

namespace precis::ops::aten {

/// As those of attention.h.
AttentionState attention(const Segments& segments, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state);
void attention_backward(const Segments& segments, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const at::Tensor& qkv, const at::Tensor& out,
                        const at::Tensor& grad_out, const at::Tensor& grad_qkv);

}  // namespace precis::ops::aten
