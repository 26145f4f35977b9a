// Attention of new tokens over a cache, on the CPU over raw memory. Arrays are row-major; T is
// float, c10::BFloat16 or c10::Half; what sums or flows along the residual stream is float32.
// Results do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "lib/ops/cached_rows.h"

namespace precis::cpu {

/// One query a row over cached keys and values: qkv [B, 3C] of the new tokens, cache [slots, 2C] of
/// keys and values, into which the new ones are put first. out [B, C].
template <typename T>
void cached_attention(CachedRows where, AttentionHeads heads, const T* qkv, T* cache, T* out);

}  // namespace precis::cpu
