// The operations by our own kernels for GPUs: each as the function of that name in its own header
// says, on tensors of a GPU. nvcc compiles them (X_cuda.cu); a build without CUDA has none, and
// says so where one is called. In tests an executor runs them on the CPU's tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/attention.h"
#include "lib/ops/cached_rows.h"
#include "lib/ops/cross_entropy.h"
#include "lib/ops/norm.h"

namespace precis::ops {
struct Product;  // product.h: C++20, which kernels are not written in
}

namespace precis::ops::device {

/// Whether rows of so many channels fit into the registers of four warps.
bool norm_fits(int64_t channels);
void residual_norm(const at::Tensor& x_in, const at::Tensor& y, const RowDropout& drop,
                   const Norm& norm, const NormState& state, const at::Tensor& h);
void residual_norm_backward(const at::Tensor& grad_h, const RowDropout& drop, const Norm& norm,
                            const NormState& state, const NormGradients& gradients);

void embed(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& wte,
           const at::Tensor& wpe, const at::Tensor& out);
void embed_backward(const at::Tensor& tokens, const RowDropout& drop, const at::Tensor& grad_out,
                    const at::Tensor& grad_wte, const at::Tensor& grad_wpe);

/// Whether heads of this size and element fit into the shared memory of a block on every GPU.
bool attention_fits(int64_t head_size, at::ScalarType type);
AttentionState attention(const Segments& segments, int64_t n_head, Dropout dropout,
                         const at::Tensor& qkv, const at::Tensor& out, bool want_state);
void attention_backward(const Segments& segments, int64_t n_head, Dropout dropout,
                        const AttentionState& state, const AttentionTensors& tensors,
                        const at::Tensor& grad_qkv);
/// Whether heads of this size fit into what a warp's lanes keep.
bool cached_attention_fits(int64_t head_size);
void cached_attention(const CachedRows& where, int64_t n_head, const at::Tensor& qkv,
                      const at::Tensor& cache, const at::Tensor& out);

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const GradientScale& scale);

/// Whether rows are whole packs of 16 bytes.
bool gelu_fits(const at::Tensor& x);
void gelu(const at::Tensor& x, bool tanh, const at::Tensor& out);
void gelu_backward(const at::Tensor& grad_y, const at::Tensor& x, bool tanh,
                   const at::Tensor& grad_x, const at::Tensor& grad_x_sums);

void add_column_sums(const at::Tensor& a, const at::Tensor& sums);
/// Sum of squares, a float64 scalar on the device.
at::Tensor sum_of_squares(const at::Tensor& a);

/// By cuBLASLt, on the current stream. False, and nothing was done: it has no algorithm for that.
bool run_product(const Product& product);
/// to [out, in] float32 += a^T @ b for a [R, out] and b [R, in] of any element type, added up in
/// float32: cuBLAS's own; rows of a may begin further apart than they are long.
void add_product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& to);

}  // namespace precis::ops::device
