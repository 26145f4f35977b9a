// Between the arrays of files and LibTorch's tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/formats/array.h"

namespace precis {

/// A CPU tensor of the array's type and shape that owns a copy of its bytes.
at::Tensor to_tensor(const ArrayView& array);
/// The same over the array's own bytes, which it keeps alive: to be read, never written, since they
/// may be a file's. A copy where they do not lie as elements of that type must.
at::Tensor to_tensor_in_place(const ArrayView& array);

/// The tensor's elements, row-major: its own memory, which stays alive with the result, where the
/// tensor is contiguous on the CPU, else a copy. Throws DataError for an element type that files
/// here do not hold.
ArrayView to_array(const at::Tensor& tensor);

}  // namespace precis
