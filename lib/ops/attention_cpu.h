// Causal attention within samples, on the CPU over raw memory. Arrays are row-major; T is float,
// c10::BFloat16 or c10::Half; what sums or flows along the residual stream is float32. Results do
// not depend on the number of threads.
#pragma once

#include <cstdint>

#include "lib/ops/dropout.h"

namespace precis::cpu {

/// Causal attention within each sample. qkv [N, 3C] holds q, k, v of all heads; out [N, C].
struct AttentionShape {
  int64_t num_samples, n_head, head_size;
  const int32_t* offsets;      ///< [B + 1]
  const int64_t* sample_keys;  ///< [B]

  int64_t width() const { return n_head * head_size; }  ///< C
};
/// log_sum_exp [H, N] is kept for backward (null: not wanted).
template <typename T>
void attention(AttentionShape shape, Dropout dropout, const T* qkv, T* out, float* log_sum_exp);
template <typename T>
void attention_backward(AttentionShape shape, Dropout dropout, const T* qkv, const T* out,
                        const T* grad_out, const float* log_sum_exp, T* grad_qkv);

}  // namespace precis::cpu
