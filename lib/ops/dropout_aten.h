// The multipliers of dropout as tensors, made of ATen's operators on any device; kernels make them
// as they go.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/dropout.h"
#include "lib/ops/row_ids.h"

namespace precis::ops::aten {

/// Multipliers of dropout, [N, C] float32: 0 or the scale; the same numbers as
/// cpu::dropout_multipliers gives for the plane.
at::Tensor dropout_multipliers(const RowIds& rows, Dropout dropout, int64_t c, int64_t plane = 0);

}  // namespace precis::ops::aten
