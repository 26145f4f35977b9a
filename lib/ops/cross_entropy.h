// Cross-entropy over a vocabulary, whose gradient takes the logits' place. Shapes: R rows, V
// vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>

namespace precis::ops {

/// What a gradient is multiplied with: a number, or one that lies on the device, where it may
/// change between two runs of work that was recorded.
struct GradientScale {
  GradientScale(double value) : number(value) {}                   // NOLINT: as a number
  GradientScale(at::Tensor scalar) : tensor(std::move(scalar)) {}  // NOLINT: as a tensor
  double number = 0;                                               ///< 0: no gradient is wanted
  at::Tensor tensor;  ///< float32 scalar, in place of the number; undefined: that counts

  bool is_wanted() const { return tensor.defined() || number != 0; }
};

/// A target that counts nothing: its row has no loss, and gradient 0.
inline constexpr int64_t kNoTarget = -1;

/// Sum of -log softmax(logits [R, V])[targets], a scalar float64 tensor on the logits' device;
/// where a gradient is wanted the logits become theirs times scale. On the CPU they are contiguous;
/// elsewhere rows may begin further apart than they are long.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const GradientScale& scale);

}  // namespace precis::ops
