// What names the rows of a tensor to dropout.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/dropout.h"
#include "lib/ops/rows_cpu.h"
#include "lib/tensor/dispatch.h"

namespace precis::ops {

/// The rows of an [N, C] tensor: each one's dropout key and position. Empty where nothing is
/// dropped and no position is asked for.
struct RowIds {
  at::Tensor keys;       ///< [N] int64
  at::Tensor positions;  ///< [N] int64
  RowIds select(const at::Tensor& rows) const {
    return {keys.index_select(0, rows), positions.index_select(0, rows)};
  }
  /// For kernels of the CPU.
  cpu::RowIds raw() const {
    return {data_or_null<int64_t>(keys), data_or_null<int64_t>(positions)};
  }
};

/// Dropout of an [N, C] tensor at one site.
struct RowDropout {
  const RowIds& rows;
  Dropout dropout;
};

}  // namespace precis::ops
