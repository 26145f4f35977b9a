// The model's own operations on the CPU, over raw memory. All take row-major arrays; T is float,
// c10::BFloat16 or c10::Half; what sums or flows along the residual stream is float32. Results do
// not depend on the number of threads.
#pragma once

#include <cstdint>

#include "lib/ops/dropout.h"

namespace precis::cpu {

/// What identifies the rows of an [N, C] array for dropout: one key and one position each.
struct RowIds {
  const int64_t* keys = nullptr;
  const int64_t* positions = nullptr;
};

/// Token and position embeddings, then dropout: out[n] = drop(wte[tokens[n]] + wpe[positions[n]]);
/// [N, C].
void embed(int64_t n, int64_t c, const int64_t* tokens, RowIds rows, const float* wte,
           const float* wpe, Dropout dropout, float* out);
/// Adds the gradient of embed's output to grad_wte [V, C] and grad_wpe [P, C]. Threads share the
/// columns: no races, one order of sums.
void embed_backward(int64_t n, int64_t c, const int64_t* tokens, RowIds rows, const float* grad_out,
                    Dropout dropout, float* grad_wte, float* grad_wpe);

/// A norm with the residual sum before it.
struct NormShape {
  int64_t n, c;
  double epsilon;
};
/// x_out = x_in + drop(y) (y null: x_out is x_in, not written); h = layer_norm(x_out) * weight +
/// bias (bias may be null).
template <typename T>
struct NormForward {
  const float* x_in;
  const T* y;
  const float *weight, *bias;
  float* x_out;
  T* h;
  float *mean, *rstd;  ///< [N]
};
template <typename T>
void residual_norm(NormShape shape, RowIds rows, Dropout dropout, const NormForward<T>& a);
/// Backward: residual += gradient through the norm; grad_y = drop'(residual) (null: skipped);
/// weight and bias gradients are added.
template <typename T>
struct NormBackward {
  const T* grad_h;
  const float *x, *mean, *rstd, *weight;
  float* residual;  ///< [N, C], in: gradient of x_out from above; out: with the norm's added
  T* grad_y;
  float *grad_weight, *grad_bias;
};
template <typename T>
void residual_norm_backward(NormShape shape, RowIds rows, Dropout dropout,
                            const NormBackward<T>& a);

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

/// One query a row over cached keys and values: qkv [B, 3C] of the new tokens, cache [slots, 2C] of
/// keys and values, and the slots of each row's tokens, the new one included: table [B, stride],
/// lengths [B]. out [B, C].
struct CacheView {
  int64_t rows, n_head, head_size, stride;
  const int32_t* table;
  const int32_t* lengths;
};
template <typename T>
void cached_attention(CacheView view, const T* qkv, const T* cache, T* out);

/// sums += column sums of a [N, C].
template <typename T>
void add_column_sums(int64_t n, int64_t c, const T* a, float* sums);

/// Sum over rows of -log softmax(logits)[target]; the logits [R, V] become their gradient times
/// scale (scale 0: they stay).
template <typename T>
double cross_entropy(int64_t r, int64_t v, T* logits, const int64_t* targets, float scale);

/// Sum of squares, in pieces of fixed size: the same for any number of threads.
double sum_of_squares(int64_t n, const float* a);

}  // namespace precis::cpu
