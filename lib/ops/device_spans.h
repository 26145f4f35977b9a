// Tensors as kernels of a GPU take them.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/dropout_kernels.cuh"
#include "lib/ops/row_ids.h"

namespace precis::kernels {

/// All elements of a contiguous tensor; empty where it is undefined.
template <typename T>
Span<const T> read(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.const_data_ptr<T>(), tensor.numel()};
}
template <typename T>
Span<T> write(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.data_ptr<T>(), tensor.numel()};
}

inline RowNames names_of(const ops::RowIds& rows) {
  return {read<int64_t>(rows.keys), read<int64_t>(rows.positions)};
}

}  // namespace precis::kernels
