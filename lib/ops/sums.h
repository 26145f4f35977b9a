// Sums over columns and over all elements.
#pragma once

#include <ATen/core/Tensor.h>

namespace precis::ops {

/// sums [C] float32 += column sums of a [N, C].
void add_column_sums(const at::Tensor& a, const at::Tensor& sums);

/// Euclidean norm of a float32 tensor, added up in float64: a scalar on its device, for whoever
/// brings it to the host together with something else. The same each time; on the CPU for any
/// number of threads.
at::Tensor norm_tensor(const at::Tensor& a);
double norm_of(const at::Tensor& a);

}  // namespace precis::ops
