// The model's own operations on tensors: our kernels on the CPU, ATen's operators elsewhere. Shapes
// as in cpu_kernels.h: N rows, C channels, V vocabulary; T is the compute dtype. Outputs are
// written into tensors the caller provides.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/model/ragged_batch.h"
#include "lib/ops/dropout.h"

namespace precis::ops {

/// What names the rows of an [N, C] tensor to dropout.
struct RowIds {
  at::Tensor keys;       ///< [N] int64
  at::Tensor positions;  ///< [N] int64
  RowIds select(const at::Tensor& rows) const {
    return {keys.index_select(0, rows), positions.index_select(0, rows)};
  }
};

/// A layer norm's parameters, or their gradients; float32 [C]; bias may be undefined.
struct Norm {
  at::Tensor weight, bias;
  double epsilon = 1e-5;
};
/// What a norm's backward needs.
struct NormState {
  at::Tensor x;           ///< [N, C] float32: its input, the residual stream
  at::Tensor mean, rstd;  ///< [N] float32; undefined where no backward follows
};

/// out = drop(wte[tokens] + wpe[positions]), float32.
void embed(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& wte,
           const at::Tensor& wpe, Dropout dropout, const at::Tensor& out);
void embed_backward(const at::Tensor& tokens, const RowIds& rows, const at::Tensor& grad_out,
                    Dropout dropout, const at::Tensor& grad_wte, const at::Tensor& grad_wpe);

/// state.x = x_in + drop(y); h = norm(state.x). y undefined: state.x must be x_in.
void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowIds& rows, Dropout dropout,
                   const Norm& norm, const NormState& state, const at::Tensor& h);
/// residual += gradient of h through the norm; grad_y = drop'(residual), unless undefined; grads
/// are added to.
void residual_norm_backward(const at::Tensor& grad_h, const RowIds& rows, Dropout dropout,
                            const Norm& norm, const NormState& state, const at::Tensor& residual,
                            const at::Tensor& grad_y, const Norm& grads);

/// What attention's backward needs besides its inputs and output; on CUDA `seed` and `offset` are
/// the generator's.
struct AttentionState {
  at::Tensor log_sum_exp, seed, offset;
};
/// out [N, C] from qkv [N, 3C]; `want_state`: backward follows.
AttentionState attention(const RaggedBatch& batch, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state);
void attention_backward(const RaggedBatch& batch, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const at::Tensor& qkv, const at::Tensor& out,
                        const at::Tensor& grad_out, const at::Tensor& grad_qkv);

/// Where the keys and values of decoded rows lie: slots of a cache [slots, 2C]. Host arrays; table
/// [B, stride].
struct CacheTable {
  const int32_t* table;
  const int32_t* lengths;
  int64_t rows, stride;
};
void cached_attention(const CacheTable& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out);

/// out = x @ weight^T + bias (bias may be undefined), all in T.
void linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
            const at::Tensor& out);
/// grad_weight += grad_y^T @ x, grad_bias += column sums (float32); grad_x = grad_y @ weight unless
/// undefined.
void linear_backward(const at::Tensor& grad_y, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& grad_weight, const at::Tensor& grad_bias,
                     const at::Tensor& grad_x);

void gelu(const at::Tensor& x, bool tanh, const at::Tensor& out);
/// grad_x may be grad_y's own memory.
void gelu_backward(const at::Tensor& grad_y, const at::Tensor& x, bool tanh,
                   const at::Tensor& grad_x);

/// Sum of -log softmax(logits [R, V])[targets], a scalar float64 tensor on the logits' device; with
/// scale != 0 the logits become their gradient times scale.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets, double scale);

}  // namespace precis::ops
