// The multipliers of dropout as tensors, for devices other than the CPU (on the CPU, kernels make
// them as they go).
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/ops/dropout.h"
#include "lib/ops/row_ids.h"

namespace precis::ops::aten {

/// Multipliers of dropout, [N, C] float32: 0 or the scale; the same numbers as
/// cpu::dropout_multipliers gives for plane 0. By our own kernel on a GPU, else composed.
at::Tensor dropout_multipliers(const RowIds& rows, Dropout dropout, int64_t c);

}  // namespace precis::ops::aten
