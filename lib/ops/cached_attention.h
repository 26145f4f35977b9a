// Attention of one new token a row over the keys and values that a cache keeps of those before it.
// Shapes: B rows, C = H heads of D channels, T the compute dtype.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/cached_rows.h"

namespace precis::ops {

/// out [B, C] from qkv [B, 3C] of the new tokens and the cache [slots, 2C], where their keys and
/// values are put first: each into the last slot of its row, which no other row may have.
void cached_attention(const CachedRows& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out);

}  // namespace precis::ops
