// Cross-entropy over a vocabulary, whose gradient takes the logits' place. Shapes: R rows, V
// vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

namespace precis::ops {

/// Sum of -log softmax(logits [R, V])[targets], a scalar float64 tensor on the logits' device; with
/// scale != 0 the logits become their gradient times scale. On the CPU they are contiguous;
/// elsewhere rows may begin further apart than they are long.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets, double scale);

}  // namespace precis::ops
