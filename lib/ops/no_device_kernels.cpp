// A build without CUDA has no kernels for GPUs.
#ifndef PRECIS_HAS_CUDA
#include <c10/util/Exception.h>

#include "lib/ops/device_kernels.h"

namespace precis::ops::device {
namespace {

[[noreturn]] void refuse() {
  TORCH_CHECK(false, "this build of Precis has no kernels for GPUs");
}

}  // namespace

bool norm_fits(int64_t) {
  refuse();
}
void residual_norm(const at::Tensor&, const at::Tensor&, const RowDropout&, const Norm&,
                   const NormState&, const at::Tensor&) {
  refuse();
}
void residual_norm_backward(const at::Tensor&, const RowDropout&, const Norm&, const NormState&,
                            const NormGradients&) {
  refuse();
}
void embed(const at::Tensor&, const RowDropout&, const at::Tensor&, const at::Tensor&,
           const at::Tensor&) {
  refuse();
}
void embed_backward(const at::Tensor&, const RowDropout&, const at::Tensor&, const at::Tensor&,
                    const at::Tensor&) {
  refuse();
}
bool attention_fits(int64_t, at::ScalarType) {
  refuse();
}
AttentionState attention(const Segments&, int64_t, Dropout, const at::Tensor&, const at::Tensor&,
                         bool) {
  refuse();
}
void attention_backward(const Segments&, int64_t, Dropout, const AttentionState&,
                        const AttentionTensors&, const at::Tensor&) {
  refuse();
}
bool cached_attention_fits(int64_t) {
  refuse();
}
void cached_attention(const CachedRows&, int64_t, const at::Tensor&, const at::Tensor&,
                      const at::Tensor&) {
  refuse();
}
at::Tensor cross_entropy(const at::Tensor&, const at::Tensor&, const GradientScale&) {
  refuse();
}
bool gelu_fits(const at::Tensor&) {
  refuse();
}
void gelu(const at::Tensor&, bool, const at::Tensor&) {
  refuse();
}
void gelu_backward(const at::Tensor&, const at::Tensor&, bool, const at::Tensor&,
                   const at::Tensor&) {
  refuse();
}
void add_column_sums(const at::Tensor&, const at::Tensor&) {
  refuse();
}
at::Tensor sum_of_squares(const at::Tensor&) {
  refuse();
}
bool run_product(const Product&) {
  refuse();
}
void add_product(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
  refuse();
}

}  // namespace precis::ops::device
#endif
