// cached_attention made of ATen's operators, for devices other than the CPU. They run on the CPU
// too, where tests hold them against our kernels.
#pragma once

#include "lib/ops/cached_attention.h"

namespace precis::ops::aten {

/// As those of cached_attention.h.
void cached_attention(const CachedRows& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out);

}  // namespace precis::ops::aten
