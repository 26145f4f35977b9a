// Between the arrays of files and LibTorch's tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/formats/array.h"

namespace precis {

/// A CPU tensor of the array's type and shape that owns a copy of its bytes.
at::Tensor to_tensor(const ArrayView& array);

/// The tensor's elements, row-major: its own memory, which stays alive with the result, where the
/// tensor is contiguous on the CPU, else a copy. Throws DataError for an element type that files
/// here do not hold.
ArrayView to_array(const at::Tensor& tensor);

}  // namespace precis
